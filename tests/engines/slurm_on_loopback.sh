#!/usr/bin/env bash
# A real Slurm on this machine alone, for tests: munge, slurmctld and slurmd on 127.0.0.1, without systemd. Needs root.
#   slurm_on_loopback.sh install        Debian's packages, once; starts nothing
#   slurm_on_loopback.sh start FOLDER   then: export SLURM_CONF=FOLDER/slurm.conf
#   slurm_on_loopback.sh stop FOLDER
# Everything it writes lies in FOLDER, so a cluster that this machine belongs to is left alone.
set -euo pipefail

install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends slurm-wlm slurmctld slurmd slurm-client munge
}

start() {
  local folder=$1 host
  host=$(hostname -s)
  mkdir -p "$folder"/{state,spool,log}
  chmod 755 "$folder"
  dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none
  chmod 400 "$folder/munge.key"
  munged --force --socket="$folder/munge.socket" --key-file="$folder/munge.key" --pid-file="$folder/munged.pid" \
    --seed-file="$folder/munge.seed" --log-file="$folder/log/munged.log"
  cat > "$folder/slurm.conf" <<CONF
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${SLURMCTLD_PORT:-16817}
SlurmdPort=${SLURMD_PORT:-16818}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CryptoType=crypto/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
MinJobAge=3600
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  export SLURM_CONF=$folder/slurm.conf
  slurmctld -c -i
  slurmd -c
  for _ in $(seq 50); do
    [ "$(sinfo --noheader --format=%t 2>/dev/null)" = idle ] && return
    sleep 0.2
  done
  echo "Slurm did not come up; see $folder/log" >&2
  return 1
}

stop() {
  for daemon in slurmd slurmctld munged; do
    [ -s "$1/$daemon.pid" ] && kill "$(cat "$1/$daemon.pid")" || true
  done
}

"$@"
