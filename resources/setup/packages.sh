#!/usr/bin/env bash
# What building and testing Hobnob needs from the system, written down once. `make run`, `make test`, `make setup` and
# `.ci/run` all come through here. It looks first, installs only what is missing, asks for sudo only then, and says
# nothing when there is nothing to do. With CI=true it never asks anything.
set -euo pipefail

# The oldest compiler the dependencies take (Cargo.toml, rust-version), and the oldest GTK the window takes.
readonly RUST_NEEDED=1.93 GTK_NEEDED=4.8 ADWAITA_NEEDED=1.2

# Build: compiler, pkg-config, GTK 4, libadwaita, glib-compile-resources and glib-compile-schemas.
# Windows without a screen (demo and UI tests): X server, session bus, accessibility, input, screenshots, fonts, icons.
# Checks: desktop entry and metainfo validators. Network tests: nft and ip. Crashes at a chosen system call: strace.
readonly DEBIAN="build-essential pkg-config git ca-certificates libgtk-4-dev libadwaita-1-dev libglib2.0-dev-bin libglib2.0-bin
  xvfb xauth xdotool x11-utils at-spi2-core dbus dbus-x11 python3 python3-gi gir1.2-atspi-2.0 imagemagick
  adwaita-icon-theme fonts-cantarell fonts-dejavu-core fonts-noto-color-emoji desktop-file-utils appstream
  nftables iproute2 strace"
readonly FEDORA="gcc make pkgconf-pkg-config git ca-certificates gtk4-devel libadwaita-devel glib2-devel
  xorg-x11-server-Xvfb xorg-x11-xauth xdotool xwininfo at-spi2-core dbus-daemon dbus-x11 python3 python3-gobject-base
  ImageMagick adwaita-icon-theme abattis-cantarell-fonts dejavu-sans-fonts google-noto-color-emoji-fonts
  desktop-file-utils appstream nftables iproute strace"
readonly ARCH="base-devel pkgconf git ca-certificates gtk4 libadwaita glib2-devel
  xorg-server-xvfb xorg-xauth xdotool xorg-xwininfo at-spi2-core dbus python python-gobject imagemagick
  adwaita-icon-theme cantarell-fonts ttf-dejavu noto-fonts-emoji desktop-file-utils appstream nftables iproute2 strace"

say() { printf 'setup: %s\n' "$*" >&2; }
give_up() { say "$*"; exit 1; }

# Runs a command as root: directly when we are root, else through sudo (which may not ask in CI).
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif ! command -v sudo >/dev/null; then
    give_up "installing needs root and there is no sudo here; run as root: $*"
  elif [ "${CI:-}" = true ]; then
    sudo -n "$@"
  else
    sudo "$@"
  fi
}

debian_missing() {
  local package
  for package in $DEBIAN; do
    case "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" in
      installed) ;;
      *) printf '%s ' "$package" ;;
    esac
  done
}

fedora_missing() {
  local package
  for package in $FEDORA; do
    rpm -q --quiet --whatprovides "$package" 2>/dev/null || printf '%s ' "$package"
  done
}

arch_missing() {
  # pacman -T prints those of its arguments that nothing installed satisfies, and fails when there are any.
  # shellcheck disable=SC2086
  pacman -T $ARCH 2>/dev/null | tr '\n' ' ' || true
}

install_debian() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq update </dev/null
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -qq -y \
    --no-install-recommends install "$@" </dev/null >/dev/null
}

install_fedora() { as_root dnf -y -q --setopt=install_weak_deps=False install "$@" </dev/null; }
install_arch() { as_root pacman -S --needed --noconfirm -q "$@" </dev/null; }

system_packages() {
  local family missing
  if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    family=debian
  elif command -v rpm >/dev/null && command -v dnf >/dev/null; then
    family=fedora
  elif command -v pacman >/dev/null; then
    family=arch
  else
    # Elsewhere the person knows the package manager better than we do: name what is needed where it is really lacking.
    pkg-config --exists "gtk4 >= $GTK_NEEDED" "libadwaita-1 >= $ADWAITA_NEEDED" 2>/dev/null ||
      give_up "this is neither Debian, Ubuntu, Fedora nor Arch; please install what Debian calls:" $DEBIAN
    return
  fi
  missing=$("${family}_missing")
  if [ -n "${missing// /}" ]; then
    say "installing: $missing"
    # shellcheck disable=SC2086
    "install_$family" $missing || give_up "installing failed; the packages are: $missing"
    say "installed."
  fi
  pkg-config --exists "gtk4 >= $GTK_NEEDED" "libadwaita-1 >= $ADWAITA_NEEDED" ||
    give_up "this release has GTK $(pkg-config --modversion gtk4 2>/dev/null || echo none) and libadwaita" \
      "$(pkg-config --modversion libadwaita-1 2>/dev/null || echo none); Hobnob needs GTK $GTK_NEEDED and libadwaita" \
      "$ADWAITA_NEEDED (Debian 12, Ubuntu 22.10, Fedora 37 or later)."
}

rust_is_new_enough() {
  local version
  version=$(rustc --version 2>/dev/null | cut -d' ' -f2) || return 1
  [ -n "$version" ] && [ "$(printf '%s\n%s\n' "$RUST_NEEDED" "$version" | sort -V | head -n 1)" = "$RUST_NEEDED" ]
}

rust_toolchain() {
  PATH="${HOME:-/root}/.cargo/bin:$PATH"
  if ! { command -v cargo >/dev/null && rust_is_new_enough; } && command -v rustup >/dev/null; then
    say "updating the stable Rust toolchain with rustup"
    rustup -q toolchain install stable --profile minimal --component clippy --component rustfmt </dev/null
  fi
  command -v cargo >/dev/null && rust_is_new_enough ||
    give_up "Rust $RUST_NEEDED or newer is needed and $(rustc --version 2>/dev/null || echo none) is here." \
      "Get it from https://rustup.rs (or \`rustup update stable && rustup default stable\`), then try again."
}

system_packages
rust_toolchain
