// Which instruction set this translation unit is compiled for. Kernel sources are compiled once per
// set; everything in them lives in `namespace rl::RL_ISA`, so that the linker can never pick an
// AVX-512 copy of an inline function for a machine without it. Such sources include only
// freestanding headers, and no standard-library templates.
#pragma once

#ifndef RL_ISA
#define RL_ISA baseline
#endif
#define RL_STR2(x) #x
#define RL_STR(x) RL_STR2(x)
#define RL_INLINE inline __attribute__((always_inline))
