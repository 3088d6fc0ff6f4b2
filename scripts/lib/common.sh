# What the scripts share. Source it first; it leaves the working directory alone.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=$(basename "$0")
# CI systems run without a home; ccache and maven need one.
export HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}

say() { echo "$program: $*" >&2; }
die() { say "$@"; exit 1; }

# The comment at the head of a script is its help.
print_help() { sed -n '2,/^[^#]/p' "$0" | sed '/^[^#]/d; s/^# \{0,1\}//'; }

jobs_count() { echo "${DMSKAFKA_JOBS:-$(nproc)}"; }

# The folder of a preset's build.
build_dir() { echo "${DMSKAFKA_BUILD_DIR:-$root/build}/$1"; }

# True when something listens on that port of 127.0.0.1.
port_used() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

# Our C++ files, relative to the root, which must be the working directory.
code_files() { find cli core mapping sinks sources test scripts \( -name '*.cc' -o -name '*.h' \) -type f | LC_ALL=C sort; }
