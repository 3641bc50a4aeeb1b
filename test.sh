#!/bin/bash
# Installs what is missing, builds under ASan and UBSan (and, where nvcc is, the profiler), runs all tests and
# closes with "N passed, N failed". Usage: ./test.sh [arguments of 'meson test', e.g. --suite unit]
set -e
cd "$(dirname "$0")"
. tests/set-up.sh
install_missing gcc libc6-dev pkg-config meson ninja-build python3 libgsl-dev libcjson-dev zlib1g-dev libsqlite3-dev libopenmpi-dev openmpi-bin libcmocka-dev gnuplot-nox fonts-dejavu-core
build_in build-test --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false -Dprofiler=auto
status=0
meson test -C build-test --no-rebuild "$@" || status=$?
python3 tests/count.py build-test/meson-logs/testlog.json || status=1
exit $status
