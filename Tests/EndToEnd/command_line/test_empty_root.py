"""The binary alone, in root directories that contain nothing else except what a container runtime adds."""

import hashlib
import os
import shutil
import signal
import struct

import pytest

from support.processes import CAN_ISOLATE, wait_until
from support.name_server import A, NameServer

pytestmark = [
    pytest.mark.any_broker, pytest.mark.skipif(not CAN_ISOLATE, reason="needs root, and mounts of its own")]

NOBODY = ["--userspec=65532:65532", "--groups="]


class Root:
    """A root directory with /amqp-job, /proc, and what a test adds."""

    def __init__(self, bench):
        self.bench = bench
        self.path = bench.path("root")
        self.path.mkdir(mode=0o755)
        bench.directory.chmod(0o755)
        shutil.copy(bench.binary, self.path / "amqp-job")
        self.mounts = ['mkdir -p "$root/proc"', 'mount -t proc none "$root/proc"']

    def file(self, name, content="", mode=0o644):
        path = self.path / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(mode)
        return path

    def volume(self, name, options="mode=1777"):
        """Makes the root a file system of its own, which ends with the runner."""
        (self.path / name.lstrip("/")).mkdir(parents=True)
        self.mounts.append(f'mount -t tmpfs -o {options} none "$root{name}"')

    def read_only(self):
        """Makes everything read-only except the volumes. This has to be called after the last volume."""
        (self.path / "proc").mkdir(exist_ok=True)
        self.mounts[:0] = ['mount --bind "$root" "$root"', 'root=$(cd "$root" && pwd)', 'mount -o remount,bind,ro "$root"']

    def start(self, *arguments, user=(), url, script='exec "$@"', **options):
        lines = [f"root={self.path}", *self.mounts, script]
        enter = ["unshare", "--mount", "sh", "-ec", "\n".join(lines), "sh", "chroot", *user, str(self.path)]
        # There is no /tmp for large items. With this option none is needed.
        ours = {"BROKER_URL": url, "AMQP_JOB_SPOOL_ABOVE": "512MiB", "HOME": None, "LANG": None, "PATH": None}
        options["env"] = {**ours, **options.get("env", {})}
        # The caller finds unshare and chroot by PATH. Inside, PATH leads to nothing.
        return self.bench.start(
            *arguments, url=None, prefix=[*(shutil.which(word) or word for word in enter)], binary="/amqp-job", **options
        )

    def run(self, *arguments, **options):
        return self.start(*arguments, **options).finish()


@pytest.fixture
def root(bench):
    return Root(bench)


def url(bench, host):
    return f"amqp://guest:guest@{host}:{bench.broker.address[1]}"


def hand_on(target):
    """A worker for a root with no other program: amqp-job itself puts the item into another queue."""
    return ["/amqp-job", "publish", "-q", target.name]


def assert_hands_on(bench, root, host, body=b"apple", arguments=(), **options):
    """A runner in the root gets the item, and its worker gets all of it."""
    source, target = bench.queue("quorum", body), bench.queue("classic")
    result = root.run(
        "-q", source.name, "--pass-env", *arguments, url=url(bench, host), worker=hand_on(target), **options
    )
    assert (result.status, result.stderr) == (0, ""), result
    source.assert_empty()
    target.assert_back()
    assert hashlib.sha256(target.take()[2]).digest() == hashlib.sha256(body).digest()


def test_the_binary_is_one_file(binary):
    """The file names no program interpreter, so it needs no library."""
    header = open(binary, "rb").read(64)
    start, size, count = struct.unpack_from("<Q", header, 32)[0], *struct.unpack_from("<HH", header, 54)
    table = open(binary, "rb").read(start + size * count)[start:]
    kinds = {struct.unpack_from("<I", table, size * index)[0] for index in range(count)}
    PT_LOAD, PT_INTERP = 1, 3
    assert PT_LOAD in kinds and PT_INTERP not in kinds


# Names


def test_a_broker_named_in_hosts(bench, root):
    root.file("/etc/hosts", "127.0.0.1 localhost\n127.0.0.1 broker.example\n")
    assert_hands_on(bench, root, "broker.example")


def test_a_broker_named_by_dns(bench, root):
    server = NameServer("broker.example")
    bench.closers.append(server.close)
    root.file("/etc/hosts", "127.0.0.1 localhost\n")
    root.file("/etc/resolv.conf", f"nameserver {server.address}\n")
    assert_hands_on(bench, root, "broker.example")
    assert ("broker.example", A) in server.asked


def test_a_service_of_kubernetes(bench, root):
    """The name is short, as in a pod. The search list has the rest."""
    server = NameServer("rabbitmq.default.svc.cluster.local")
    bench.closers.append(server.close)
    root.file(
        "/etc/resolv.conf",
        f"search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver {server.address}\noptions ndots:5\n",
    )
    assert_hands_on(bench, root, "rabbitmq")
    assert_hands_on(bench, root, "rabbitmq.default")
    assert_hands_on(bench, root, "rabbitmq.default.svc.cluster.local")


def test_names_come_from_hosts_first(bench, root):
    """This holds without nsswitch.conf, too. Otherwise a container's extra hosts would be ignored."""
    server = NameServer("other.example")
    bench.closers.append(server.close)
    root.file("/etc/hosts", "127.0.0.1 broker.example\n")
    root.file("/etc/resolv.conf", f"nameserver {server.address}\n")
    assert_hands_on(bench, root, "broker.example")
    assert server.asked == []


def test_a_name_that_does_not_exist(bench, root):
    server = NameServer("broker.example")
    bench.closers.append(server.close)
    root.file("/etc/resolv.conf", f"nameserver {server.address}\n")
    result = root.run(
        "-q", "any", "--connect-timeout", "1s", url=url(bench, "other.example"), worker=["/amqp-job", "--version"]
    )
    result.assert_error(69, "other.example")


@pytest.mark.parametrize("files", [[], ["/etc/resolv.conf"], ["/etc/hosts"], ["/etc/hosts", "/etc/nsswitch.conf"]])
def test_a_name_without_a_name_server(bench, root, files):
    for name in files:
        root.file(name)
    result = root.run(
        "-q", "any", "--connect-timeout", "1s", url=url(bench, "broker.example"), worker=["/amqp-job", "--version"]
    )
    result.assert_error(69, "broker.example")


# What else may be missing


def test_nothing_but_the_binary(bench, root):
    """There is no /dev, no /etc and no /tmp. There is /proc, because Swift's runtime does not start without it."""
    assert_hands_on(bench, root, "127.0.0.1")
    assert sorted(os.listdir(root.path)) == ["amqp-job", "proc"]


def test_standard_streams_that_are_closed_where_there_is_no_dev_null(bench, root):
    """The files that are opened next must not be mistaken for standard streams."""
    queue = bench.queue()
    runner = root.start(
        "-q", queue.name, url=url(bench, "127.0.0.1"), worker=["/amqp-job", "--version"], script='exec "$@" <&- >&- 2>&-'
    )
    queue.wait_for_consumer()
    # Without /dev/null, the root directory takes their place.
    assert {os.readlink(f"/proc/{runner.pid}/fd/{number}") for number in range(3)} == {str(root.path)}
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 143


def test_a_large_item(bench, root):
    body = os.urandom(1 << 20).hex().encode() * 2
    root.volume("/run/amqp-job")
    arguments = ["--spool-dir", "/run/amqp-job", "--spool-above", "1MiB"]
    assert_hands_on(bench, root, "127.0.0.1", body, arguments=arguments)


def test_an_item_that_a_pipe_does_not_take_at_once(bench, root):
    """Without /dev/null the guardian, too, has to keep its pipe and to release it."""
    assert_hands_on(bench, root, "127.0.0.1", b"x" * 500_000)


def test_no_place_for_a_large_item(bench, root):
    queue = bench.queue("quorum", b"apple")
    arguments = ["-q", queue.name, "--spool-above", "1MiB"]
    result = root.run(*arguments, url=url(bench, "127.0.0.1"), worker=["/amqp-job", "--version"])
    result.assert_error(74, queue.name, "/tmp", "--spool-dir")
    queue.assert_untouched()


def test_a_command_that_is_not_there(bench, root):
    for command, status in [(["cat"], 127), (["/etc/hosts"], 126)]:
        root.file("/etc/hosts")
        result = root.run("-q", "any", url=url(bench, "127.0.0.1"), worker=command)
        result.assert_error(status, command[0])


def test_a_script_without_its_shell(bench, root):
    root.file("/worker", "#!/bin/sh\n", mode=0o755)
    root.run("-q", "any", url=url(bench, "127.0.0.1"), worker=["/worker"]).assert_error(127, "/bin/sh")


# As in a pod


def as_in_a_pod(root):
    root.file("/etc/hosts", "127.0.0.1 localhost\n127.0.0.1 rabbitmq\n")
    root.file("/dev/null")
    root.volume("/run/amqp-job", "uid=65532,gid=65532,mode=0755")
    root.read_only()
    return {"AMQP_JOB_SPOOL_DIR": "/run/amqp-job", "AMQP_JOB_LIVENESS_FILE": "/run/amqp-job/alive"}


def test_as_a_user_that_nobody_knows_on_a_root_that_is_read_only(bench, root):
    settings = as_in_a_pod(root)
    body = os.urandom(1 << 20).hex().encode() * 2
    assert_hands_on(bench, root, "rabbitmq", body, arguments=["--spool-above", "1MiB"], user=NOBODY, env=settings)


def test_a_probe(bench, root):
    """The probe is started in the runner's container. On this machine these are its namespaces and its root."""
    settings = as_in_a_pod(root)
    queue = bench.queue()
    runner = root.start(
        "-q", queue.name, user=NOBODY, env=settings, url=url(bench, "rabbitmq"), worker=["/amqp-job", "--version"]
    )
    queue.wait_for_consumer()
    inside = ["nsenter", f"--mount=/proc/{runner.pid}/ns/mnt", "chroot", *NOBODY, str(root.path)]
    probe = {"command": "check", "prefix": inside, "binary": "/amqp-job", "url": None, "env": settings}
    wait_until(lambda: bench.run("--ready", **probe).status == 0, what="readiness")
    runner.send(signal.SIGTERM)
    assert runner.finish().status == 143


def test_the_last_words_go_to_the_termination_log(bench, root):
    """Any user may write there, because Kubernetes makes it so."""
    log = root.file("/dev/termination-log", mode=0o666)
    queue = bench.queue("quorum", b"apple")
    result = root.run("-q", queue.name, url=url(bench, "127.0.0.1"), worker=["/amqp-job", "frobnicate"])
    assert result.status == 1, result
    assert queue.name in result.lines[-1]
    assert log.read_text().splitlines()[-1] == result.lines[-1]
    long = ",".join(["amqp://guest:guest@host"] * 500 + ["redis://host"])
    assert root.run("-q", "any", url=long, worker=["/amqp-job"]).status == 64
    assert 0 < len(log.read_bytes()) <= 4096
    assert len(log.read_text().splitlines()) == 1


def test_install_into_a_volume(bench, root):
    """This is all that an init container does."""
    root.volume("/opt/amqp-job", "uid=65532,gid=65532,mode=0755")
    root.read_only()
    copied = bench.path("copied")
    script = f'"$@"; cp -a "$root/opt/amqp-job" {copied}'
    result = root.run("/opt/amqp-job", command="install", user=NOBODY, url=None, script=script)
    assert (result.status, result.stderr) == (0, ""), result
    assert (copied / "amqp-job").read_bytes() == open(bench.binary, "rb").read()
    assert os.listdir(copied) == ["amqp-job"]

