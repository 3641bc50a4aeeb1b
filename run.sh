#!/bin/bash
# Installs what is missing, builds, runs the embedded default scenario and says where the results
# are. Safe to run again. Usage: ./run.sh [arguments of 'kvcast run']
set -e
cd "$(dirname "$0")"
. tests/set-up.sh
install_missing gcc libc6-dev pkg-config meson ninja-build python3 libgsl-dev libcjson-dev zlib1g-dev libsqlite3-dev libopenmpi-dev openmpi-bin gnuplot-nox fonts-dejavu-core
build_in build -Db_lto=true -Dtests=false
if [ $# -gt 0 ]; then
  exec ./build/kvcast run "$@"
fi
./build/kvcast run --out results/default
echo
echo "--- and one batch of easy and hard problems: stragglers ---"
echo
./build/kvcast run workloads/examples/mixed-batch.json --out results/mixed-batch
echo
echo "Open results/default/report.html and results/mixed-batch/report.html, or look at the figures beside them; './build/kvcast --help' tells what else there is."
