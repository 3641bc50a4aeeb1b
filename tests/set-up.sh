# Sourced by run.sh and test.sh: installs Debian packages that are missing, and builds.

# install_missing PACKAGE...: nothing happens when all are there.
install_missing() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  local sudo=
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      # Perhaps they were installed by other means: let the build find out.
      echo "not root and no sudo: cannot install ${missing[*]}; trying without" >&2
      return
    fi
    sudo=sudo
  fi
  echo "installing ${missing[*]} ..." >&2
  local log
  log=$(mktemp)
  if ! { $sudo apt-get update -q && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -yq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    echo "could not install ${missing[*]}" >&2
    exit 1
  fi
  rm -f "$log"
}

# build_in FOLDER [MESON OPTIONS]: sets the folder up once, then builds what changed.
build_in() {
  local folder=$1 log
  shift
  log=$(mktemp)
  if [ ! -e "$folder/build.ninja" ]; then
    echo "configuring $folder ..." >&2
    if ! meson setup "$folder" "$@" >"$log" 2>&1; then
      cat "$log" >&2
      exit 1
    fi
  fi
  echo "building $folder ..." >&2
  if ! ninja -C "$folder" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
  fi
  rm -f "$log"
}
