#!/usr/bin/env bash
# Incremental development build into build/dev, the extension beside its package: one set of kernels,
# for this machine, under the name of the baseline.
#   PYTHON=python3 tools/dev_build.sh
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
mkdir -p build/dev
exec 9>build/dev/.lock
flock 9
if [ ! -f build/dev/build.ninja ]; then
  cmake -S . -B build/dev -G Ninja -DCMAKE_BUILD_TYPE=Release -DPython_EXECUTABLE="$(command -v "$python")" \
    -DRUSHLIGHT_ISAS=baseline "-DRUSHLIGHT_BASELINE_FLAGS=-march=native;-mprefer-vector-width=512;-Wno-maybe-uninitialized" \
    -DCMAKE_LIBRARY_OUTPUT_DIRECTORY="$PWD/rushlight" >/dev/null
fi
cmake --build build/dev -- -k 0 -j "${JOBS:-2}" 2>&1 | grep -vE '^\[[0-9]+/[0-9]+\]|ninja: no work' || true
test -f "$(ls -t rushlight/_C*.so | head -1)"
