# Sourced by the install scripts: Debian packages, as root or through sudo.

install_packages() {
  if ! command -v apt-get >/dev/null; then
    echo "This needs $*, and there is no apt-get to install it with: please install it by hand and run make again." >&2
    return 1
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}
