#!/usr/bin/env bash
# Builds the core with AddressSanitizer and UndefinedBehaviorSanitizer into build/sanitize (one plain
# instruction set, so that every kernel is covered and no vector load is excused), and runs pytest
# on it. Arguments are pytest's; without any: the tests of the core that need no long time.
#   PYTHON=python3 tools/sanitize.sh tests/test_errors.py tests/test_fuzz.py
# Leaks are not looked for: Python itself never frees everything at exit. PyTorch, the oracle of most
# tests, runs inside the same process and is not instrumented. Tests that fork (data workers,
# multiprocessing) run without -n: a thread of pytest-xdist may hold a lock of the sanitizer's then.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
root=$PWD
build=$root/build/sanitize
mkdir -p "$build/package"
if [ ! -f "$build/build.ninja" ]; then
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DPython_EXECUTABLE="$(command -v "$python")" \
    -DRUSHLIGHT_SANITIZE=ON -DRUSHLIGHT_ISAS=baseline \
    -DCMAKE_LIBRARY_OUTPUT_DIRECTORY="$build/extension" >/dev/null
fi
cmake --build "$build" -- -k 0 -j "${JOBS:-2}" | grep -vE '^\[[0-9]+/[0-9]+\]' || true
ls "$build"/extension/_C*.so >/dev/null  # or the build has failed

# A package of links: our Python files beside the sanitized extension.
rm -rf "$build/package/rushlight"
mkdir "$build/package/rushlight"
for f in rushlight/*; do
  case $f in *.so | *__pycache__*) ;; *) ln -s "$root/$f" "$build/package/$f" ;; esac
done
ln -s "$build"/extension/_C*.so "$build/package/rushlight/"

compiler=${CXX:-g++}
export LD_PRELOAD="$($compiler -print-file-name=libasan.so) $($compiler -print-file-name=libubsan.so) $($compiler -print-file-name=libstdc++.so)"
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=3000:detect_odr_violation=0}
# The sanitizer opens libraries in the program's name, so that NVRTC does not find its own parts.
export LD_LIBRARY_PATH="$("$python" -c 'import nvidia.cuda_nvrtc as n; print(n.__path__[0] + "/lib")' 2>/dev/null):${LD_LIBRARY_PATH:-}"
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
export PYTHONMALLOC=malloc
export PYTHONPATH="$build/package"
if [ $# -eq 0 ]; then
  set -- tests/test_autograd.py tests/test_autograd_function.py tests/test_autograd_inplace.py \
    tests/test_errors.py tests/test_fuzz.py tests/test_indexing.py tests/test_data.py
fi
exec "$python" -P -m pytest -p no:cacheprovider -q "$@"
