#!/bin/sh
# Install Tenggat on one machine: user, folders, secrets file, unit, and the command `tenggat`.
#
#   sudo deploy/install.sh
#
# Whatever is there stays as it is: a second call changes neither site nor secrets. With ROOT=DIR it
# writes below DIR only, and makes neither user nor .venv and calls no systemd, as for a package.
set -eu

ROOT=${ROOT:-}
PROGRAM=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
USER_NAME=tenggat
SITES=/srv/tenggat
WORKING=/var/lib/tenggat
SECRETS=/etc/tenggat/secrets.env
UNIT=/etc/systemd/system/tenggat.service
COMMAND=/usr/local/bin/tenggat

case ${TENGGAT_LANG:-${LANG:-id}} in en*) english=yes ;; *) english='' ;; esac

say() {  # the text in Indonesian, then in English
    if [ -n "$english" ]; then printf '%s\n' "$2"; else printf '%s\n' "$1"; fi
}

if [ -z "$ROOT" ]; then
    if [ "$(id -u)" != 0 ]; then
        say "jalankan sebagai root: sudo $0" "run it as root: sudo $0" >&2
        exit 1
    fi
    say "1/4 program di $PROGRAM" "1/4 program in $PROGRAM"
    make -C "$PROGRAM" install
    say "2/4 pengguna $USER_NAME" "2/4 user $USER_NAME"
    if ! id "$USER_NAME" >/dev/null 2>&1; then
        useradd --system --home-dir "$WORKING" --shell /usr/sbin/nologin "$USER_NAME"
    fi
fi

say "3/4 folder dan berkas kata sandi" "3/4 folders and the file of secrets"
mkdir -p "$ROOT$SITES" "$ROOT$WORKING" "$ROOT$(dirname "$SECRETS")" "$ROOT$(dirname "$UNIT")" \
    "$ROOT$(dirname "$COMMAND")"
chmod 750 "$ROOT$SITES"
chmod 700 "$ROOT$WORKING"
if [ ! -e "$ROOT$SECRETS" ]; then
    (umask 077 && cat >"$ROOT$SECRETS") <<END
# TENGGAT_DATABASE_URL=postgresql+psycopg://user:password@host/tenggat
# TENGGAT_MAIL_URL=smtp://user:password@host:587
# TENGGAT_BOUNCES_URL=imaps://user:password@host/INBOX
END
fi
[ -n "$ROOT" ] || chown "$USER_NAME:" "$SITES" "$WORKING"

say "4/4 layanan dan perintah tenggat" "4/4 service and the command tenggat"
sed "s#/opt/tenggat#$PROGRAM#g" "$PROGRAM/deploy/tenggat.service" >"$ROOT$UNIT"
cat >"$ROOT$COMMAND" <<END
#!/bin/sh
# Run a command of Tenggat as the service's user, with its settings and secrets.
[ "\$(id -u)" = 0 ] || exec sudo "\$0" "\$@"
if [ -t 0 ] && [ -t 1 ]; then how=--pty; else how=--pipe; fi
if runuser -u $USER_NAME -- test -x "\$PWD"; then here=\$PWD; else here=$WORKING; fi
exec systemd-run --quiet --wait --collect "\$how" --uid=$USER_NAME --working-directory="\$here" \\
    --property=UMask=0077 --property=EnvironmentFile=-$SECRETS \\
    --setenv=TENGGAT_VAR=$WORKING --setenv=TENGGAT_SITE="\${TENGGAT_SITE:-$SITES/site}" \\
    --setenv=TENGGAT_LANG="\${TENGGAT_LANG:-}" $PROGRAM/.venv/bin/tenggat "\$@"
END
chmod 755 "$ROOT$COMMAND"
if [ -z "$ROOT" ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
elif [ -z "$ROOT" ]; then
    say "systemd tidak berjalan di mesin ini: perintah tenggat dan layanan memerlukannya" \
        "systemd does not run on this machine: the command tenggat and the service need it" >&2
fi

say "
Terpasang. Berikutnya:
  1. sudo tenggat init $SITES/site      enam pertanyaan; situs baru berada dalam uji coba
  2. sudo nano $SECRETS   kata sandi basis data dan server surel
  3. sudo tenggat doctor                  memeriksa semuanya
  4. sudo tenggat mail test               satu surel percobaan
  5. sudo systemctl enable --now tenggat  menjalankan layanan
  6. sudo tenggat start                   bila surel uji coba sudah benar" "
Installed. Next:
  1. sudo tenggat init $SITES/site      six questions; a new site is in trial
  2. sudo nano $SECRETS   the passwords of database and mail server
  3. sudo tenggat doctor                  checks everything
  4. sudo tenggat mail test               one test mail
  5. sudo systemctl enable --now tenggat  runs the service
  6. sudo tenggat start                   when the mails of the trial are right"
