// Device: a kind of memory and an index. Everything device-dependent goes through op/ (see there).
#pragma once
#include <cstdint>
#include <string>

namespace rl {

struct Device {
  enum Type : uint8_t { Cpu, Cuda, Meta };
  Type type = Cpu;
  int8_t index = -1;  // -1: the current device of the type
  bool operator==(const Device& o) const = default;
};

inline const char* name_of(Device::Type t) {
  return t == Device::Cpu ? "cpu" : t == Device::Cuda ? "cuda" : "meta";
}
void append(std::string& s, const Device& d);

}  // namespace rl
