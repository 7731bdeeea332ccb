#!/usr/bin/env bash
# Installs what the tests use besides Node, on Debian, as root, with apt-get and nothing else:
#   ffmpeg, ffprobe   encode and inspect video (a site that takes videos wants them too)
#   chromium          the browser of the journeys
#   postgresql        a database to bring a site over from
#   redis-server      what several nodes share
#   python3-swift     OpenStack Swift, an S3 store
#   vtest.avi         some real camera film, out of the package opencv-doc
# With --films it fetches three more films of that package, which bench/video.ts makes its clips of.
# What is there already is left alone. The tests call this themselves when they run as root.
set -euo pipefail

films=(vtest.avi)
if [[ ${1:-} == --films ]]; then films+=(Megamind.avi box.mp4 cup.mp4); fi
packaged=/usr/share/doc/opencv-doc/examples/data
policy=/usr/sbin/policy-rc.d
unpacked=/usr/local/share/veranda-tests
leftovers=()
trap 'rm -rf "${leftovers[@]}"' EXIT

main() {
  local packages=()
  if ! has ffmpeg || ! has ffprobe; then packages+=(ffmpeg); fi
  if ! has chromium; then packages+=(chromium); fi
  if ! has postgres && ! compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then packages+=(postgresql); fi
  if ! has redis-server; then packages+=(redis-server); fi
  if ! /usr/bin/python3 -c 'import swift.common.middleware.s3api, pyeclib' 2>/dev/null; then packages+=(python3-swift); fi
  if [[ ${#packages[@]} -eq 0 ]] && has_films; then
    echo "install-tools: everything is here already."
    return
  fi
  if ! has apt-get; then
    echo "install-tools: no apt-get here; this script is for Debian." >&2
    return 1
  fi
  if [[ $EUID -ne 0 ]]; then
    echo "install-tools: run it as root (sudo $0)." >&2
    return 1
  fi

  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  if [[ ${#packages[@]} -gt 0 ]]; then
    echo "install-tools: installing ${packages[*]}"
    if [[ " ${packages[*]} " == *' postgresql '* ]]; then keep_postgres_idle; fi
    if [[ " ${packages[*]} " == *' redis-server '* ]]; then keep_redis_idle; fi
    apt-get install -y -qq --no-install-recommends "${packages[@]}"
  fi
  if ! has_films; then fetch_films; fi
  echo "install-tools: done."
}

has() { command -v "$1" >/dev/null; }

has_films() {
  local film
  for film in "${films[@]}"; do
    if [[ ! -r $unpacked/$film && ! -r $packaged/$film ]]; then return 1; fi
  done
}

# PostgreSQL's package makes and starts a server of its own unless told; the tests start theirs when they need it.
keep_postgres_idle() {
  apt-get install -y -qq --no-install-recommends postgresql-common
  sed -ri 's/^#?\s*create_main_cluster\b.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
}

# So does Redis's. A masked unit is not started, now or later; where there is no systemd, a policy for the time of the
# installation says no.
keep_redis_idle() {
  if [[ -d /run/systemd/system ]]; then
    systemctl mask --quiet redis-server.service
  elif [[ ! -e $policy ]]; then
    leftovers+=("$policy")
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
  fi
}

# Only the films are taken out of the package: it is 270 MB of pages otherwise, and slim images drop /usr/share/doc.
fetch_films() {
  local film path
  echo "install-tools: fetching ${films[*]} out of opencv-doc"
  scratch=$(mktemp -d)
  leftovers+=("$scratch")
  chmod 755 "$scratch"
  (cd "$scratch" && apt-get download -qq -o APT::Sandbox::User=root opencv-doc)
  dpkg-deb --fsys-tarfile "$scratch"/opencv-doc_*.deb > "$scratch/files.tar"
  mkdir -p "$unpacked"
  for film in "${films[@]}"; do
    path=$(tar -tf "$scratch/files.tar" | grep -E "/${film/./\\.}(\.gz)?\$" | sed -n 1p)
    if [[ $path == *.gz ]]; then
      tar -xOf "$scratch/files.tar" "$path" | gunzip > "$unpacked/$film.part"
    else
      tar -xOf "$scratch/files.tar" "$path" > "$unpacked/$film.part"
    fi
    mv "$unpacked/$film.part" "$unpacked/$film"
  done
}

main "$@"
