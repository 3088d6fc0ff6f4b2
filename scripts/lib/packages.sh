# The Debian 12 packages that each job needs. This is the only list; source it after common.sh.

packages_build=(
  g++ cmake ninja-build pkg-config ccache
  libfmt-dev libspdlog-dev libsimdjson-dev libcli11-dev doctest-dev
  libsqlite3-dev libpq-dev libmariadb-dev libzstd-dev zlib1g-dev libdeflate-dev librdkafka-dev libssl-dev
)
packages_quickstart=("${packages_build[@]}" sqlite3 python3)
# clang for the sanitizers' builds (llvm names the functions in their reports), the servers, and clients that are not ours.
packages_test=(
  "${packages_quickstart[@]}"
  clang libclang-rt-14-dev llvm lld clang-format clang-tidy
  openjdk-17-jre-headless maven xz-utils kcat python3-confluent-kafka
  postgresql postgresql-client
  mariadb-server mariadb-client libaio1 libnuma1 libncurses6
)

# Prints those of its arguments that are not installed, one a line.
missing_packages() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

# Installs those of its arguments that are missing. Without root it prints the command that does it and ends with status 1.
install_packages() {
  local missing
  if ! command -v dpkg-query > /dev/null; then
    say "this is not Debian, so nothing is installed; needed (under Debian 12's names): $*"
    return 0
  fi
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    say "some Debian packages are missing. Install them and run this again:"
    echo "sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  keep_debian_clusters_away
  local log status=0 policy=/usr/sbin/policy-rc.d
  log=$(mktemp)
  # Debian's own services (MariaDB on port 3306 …) are not started while installing; a policy that is there already stays.
  if [ -e $policy ]; then policy=; else printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy; fi
  { apt_get update && apt_get install -y --no-install-recommends "${missing[@]}"; } > "$log" 2>&1 || status=$?
  if [ -n "$policy" ]; then rm -f "$policy"; fi
  if [ "$status" != 0 ]; then
    tail -n 30 "$log" >&2
    die "apt-get failed (its whole output: $log)"
  fi
  rm -f "$log"
}

apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"; }

# Debian's postgresql package creates and starts a server of its own on port 5432 unless told not to. Ours are started by
# scripts/postgres-up; a machine that has PostgreSQL already is left as it is.
keep_debian_clusters_away() {
  local file=/etc/postgresql-common/createcluster.d/no-main.conf
  [ ! -e /etc/postgresql-common ] || return 0
  mkdir -p "${file%/*}"
  echo 'create_main_cluster = false' > "$file"
}
