# shellcheck shell=bash
# Shared by the scripts here: roots, which are small systems made of a Debian suite. RabbitMQ servers of other versions than
# the installed one are in roots of their own.

PATH+=:/usr/sbin:/sbin # chroot and debootstrap are there

# suite_with VERSION: the Debian suite that has this RabbitMQ.
suite_with() {
  case $1 in
  3.10) echo bookworm ;;
  4.0) echo trixie ;;
  4.3) echo sid ;;
  *) return 1 ;;
  esac
}

check_version() {
  suite_with "$1" >/dev/null || fail 64 "--rabbitmq takes 3.10, 4.0 or 4.3, not '$1'"
}

# version_in ROOT: that of the RabbitMQ which is installed there; "" is the system itself.
version_in() {
  local path
  for path in "$1"/usr/lib/rabbitmq/lib/rabbitmq_server-*; do
    [[ ! -d $path ]] || printf '%s\n' "${path##*_server-}"
  done
}

# make_root ROOT SUITE [PACKAGE...]: makes it, once, with these packages; it is there whole or not at all.
make_root() {
  local root=$1 suite=$2 packages="${*:3}" mirror
  ((EUID == 0)) || fail 77 "Debian $suite${packages:+ with $packages} is in a root of its own, for chroot: please start it as root"
  unshare --mount true 2>/dev/null || fail 77 "a root of Debian $suite needs mounts of its own, which are forbidden here"
  mkdir -p "${root%/*}"
  (
    exec 8>"$root.lock"
    flock --nonblock 8 || { say "Waiting for the root that is being made" && flock 8; }
    [[ ! -d $root ]] || exit 0
    "$(dirname "${BASH_SOURCE[0]}")/../install-dependencies" debootstrap debian-archive-keyring 8>&-
    say "Making a root with Debian $suite${packages:+ and $packages}, which takes a minute or two"
    rm -rf "$root.partial"
    mirror=$(apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
      grep -m 1 '^https\?://') || mirror= # debootstrap has a default
    umask 022
    # With mounts of its own: what it mounts in there goes with it, whatever ends it. It keeps the lock as long as it runs.
    unshare --mount debootstrap --variant=minbase ${packages:+"--include=${packages// /,}"} "$suite" "$root.partial" \
      ${mirror:+"$mirror"} </dev/null >"$root.log" 2>&1 9>&- ||
      fail 69 "debootstrap failed ($(grep '^E:' "$root.log" | tail -n 1)); its log is $root.log"
    rm -rf "$root.partial"/var/{cache,lib}/apt
    mv -T "$root.partial" "$root"
  )
}

# enter_root ROOT FOLDER HOSTS COMMAND...: becomes the command in the root, where FOLDER is what it is outside, and the
# file HOSTS has the names of hosts. The mounts are seen by that process alone and end with it.
enter_root() {
  # shellcheck disable=SC2016 # for the inner shell to expand
  exec unshare --mount sh -ec '
    root=$1 folder=$2 hosts=$3
    shift 3
    mkdir -p "$root$folder"
    touch "$root/etc/hosts"
    mount --rbind /proc "$root/proc"
    mount --bind "$folder" "$root$folder"
    mount --bind "$hosts" "$root/etc/hosts"
    exec chroot "$root" "$@"' sh "$@"
}
