#!/bin/bash
# How well the pure decode steps of the measured sweeps are fitted (mean error in per cent, geometric mean over
# the runs) for other constants of the attention schedule than those in the sources.
# Trace jobs are not looked at. Usage: attention_constants.sh [PIECE_TILES,LONE_SPEED_UP,HEAT_TIME_S]...
set -e
cd "$(dirname "$0")/../.."
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
[ $# -gt 0 ] || set -- 1,1.75,0.05 1,1.5,0.05 1,2,0.05 0,1.75,0.05 2,1.75,0.05 1,1.75,0.03 1,1.75,0.08
meson setup "$build" --buildtype=release -Dtests=false >/dev/null
printf '%-10s %-14s %-10s %8s\n' 'own tiles' 'alone faster' 'heat s' 'error %'
for constants in "$@"; do
  IFS=, read -r piece lone heat <<<"$constants"
  meson configure "$build" "-Dc_args=-DATTENTION_PIECE_TILES=$piece -DLONE_SPEED_UP=$lone -DHEAT_TIME_S=$heat"
  ninja -C "$build" >/dev/null
  for run in calibration/measured/*; do
    "$build/kvcast" calibrate "$run" --out "$build/out.json" 2>/dev/null | grep 'with it their mean' || true
  done | awk -v p="$piece" -v l="$lone" -v h="$heat" \
    '{sum += log($(NF - 1)); n++} END {printf "%-10s %-14s %-10s %8.4f   (%d runs)\n", p, l, h, exp(sum / n), n}'
done
