#!/bin/bash
# What a change should pass before it lands: format, clang-tidy, cppcheck, complexity, the tests under
# sanitizers, a build with clang, libFuzzer for ten seconds, branch coverage. Missing tools are named
# and skipped. Usage: tests/check.sh
set -u
cd "$(dirname "$0")/.."
failed=0
sources=$(git ls-files 'sim/*.c' 'traces/*.c' 'workloads/*.c' 'calibration/*.c')
all=$(git ls-files '*.c' '*.h')

step() {
  local name=$1 tool=$2
  shift 2
  if ! command -v "$tool" >/dev/null; then
    echo "skip  $name ($tool is not installed)"
    return
  fi
  if "$@" >/tmp/kvcast-check.log 2>&1; then
    echo "ok    $name"
  else
    echo "FAIL  $name"
    tail -20 /tmp/kvcast-check.log
    failed=1
  fi
}

tidy() { clang-tidy -quiet -p build-test $sources; }
check_c() { cppcheck -q --error-exitcode=1 --enable=warning,performance,portability --inline-suppr --suppress=missingInclude --suppress=ctuuninitvar -I . $sources; }
with_clang() {
  CC=clang meson setup build-clang -Dtests=true -Dfuzz=true -Db_lundef=false -Db_sanitize=address --buildtype=debugoptimized --reconfigure 2>/dev/null ||
    CC=clang meson setup build-clang -Dtests=true -Dfuzz=true -Db_lundef=false -Db_sanitize=address --buildtype=debugoptimized
  ninja -C build-clang
}
fuzz() { mkdir -p build-clang/corpus && build-clang/tests/fuzz/libfuzzer_parsers -max_total_time=10 build-clang/corpus tests/fuzz/inputs; }
coverage() {
  [ -e build-coverage ] || meson setup build-coverage -Db_coverage=true --buildtype=debug
  meson test -C build-coverage
  (cd build-coverage && find . -path './libkvcast*' -name '*.gcda' | xargs gcov -b -r -s "$PWD/.." | grep -A3 "^File 'sim/\|^File '../sim/" >coverage.txt; cat coverage.txt) || true
}

step format clang-format clang-format --dry-run -Werror $all
step tests meson ./test.sh
step clang-tidy clang-tidy tidy
step cppcheck cppcheck check_c
step complexity lizard lizard -C 15 -L 60 -a 6 -w $sources
step "build with clang" clang with_clang
[ -x build-clang/tests/fuzz/libfuzzer_parsers ] && step "libFuzzer, 10 s" clang fuzz
step coverage gcov coverage
exit $failed
