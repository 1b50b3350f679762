# shellcheck shell=bash
# Makes root file systems from Debian suites, and runs commands in them. Each version of RabbitMQ that is not installed on
# this system gets its own root.

PATH+=:/usr/sbin:/sbin # for chroot and debootstrap

# suite_with VERSION: prints the Debian suite that has this version of RabbitMQ.
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

# version_in ROOT: prints the version of the RabbitMQ in the root; an empty ROOT means this system.
version_in() {
  local path
  for path in "$1"/usr/lib/rabbitmq/lib/rabbitmq_server-*; do
    [[ ! -d $path ]] || printf '%s\n' "${path##*_server-}"
  done
}

# make_root ROOT SUITE [PACKAGE...]: makes a root with these packages, unless it exists. It never leaves an incomplete one.
make_root() {
  local root=$1 suite=$2 packages="${*:3}" mirror
  ((EUID == 0)) || fail 77 "Debian $suite${packages:+ with $packages} runs in a chroot: please start this script as root"
  unshare --mount true 2>/dev/null || fail 77 "a chroot of Debian $suite needs a mount namespace, which is forbidden here"
  mkdir -p "${root%/*}"
  (
    exec 8>"$root.lock"
    flock --nonblock 8 || { say "Waiting for another script that is making the root" && flock 8; }
    [[ ! -d $root ]] || exit 0
    "$(dirname "${BASH_SOURCE[0]}")/../install-dependencies" debootstrap debian-archive-keyring 8>&-
    say "Making a root with Debian $suite${packages:+ and $packages}, which takes a minute or two"
    rm -rf "$root.partial"
    mirror=$(apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
      grep -m 1 '^https\?://') || mirror= # debootstrap has a default
    umask 022
    # In its own mount namespace, the mounts of debootstrap disappear with it. It inherits the lock and holds it while it
    # runs.
    unshare --mount debootstrap --variant=minbase ${packages:+"--include=${packages// /,}"} "$suite" "$root.partial" \
      ${mirror:+"$mirror"} </dev/null >"$root.log" 2>&1 9>&- ||
      fail 69 "debootstrap failed ($(grep '^E:' "$root.log" | tail -n 1)); its log is $root.log"
    rm -rf "$root.partial"/var/{cache,lib}/apt
    mv -T "$root.partial" "$root"
  )
}

# enter_root ROOT FOLDER HOSTS COMMAND...: replaces this process by the command in the root. There, FOLDER is the same as
# outside, and /etc/hosts is the file HOSTS. Only that process sees these mounts, and they end with it.
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
