#!/bin/sh
# Boots a lab host: makes the container a machine that can run containers, then keeps sshd and dockerd up.

# Without --privileged Docker mounts these read-only; Docker inside must write both.
mount -o remount,rw /sys 2>/dev/null
for controller in /sys/fs/cgroup/*; do
  mountpoint -q "$controller" && mount -o remount,rw,bind "$controller" 2>/dev/null
done
mount --make-rshared /

# cgroup v2 lets a group hold processes or subgroups, not both: make room for those of Docker.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p /sys/fs/cgroup/init
  xargs -rn1 < /sys/fs/cgroup/cgroup.procs > /sys/fs/cgroup/init/cgroup.procs 2>/dev/null
  sed -e 's/ / +/g' -e 's/^/+/' < /sys/fs/cgroup/cgroup.controllers > /sys/fs/cgroup/cgroup.subtree_control
fi

# A resolver that refuses: a name outside the lab fails at once, where Docker's own would let it wait.
echo 'nameserver 127.0.0.1' > /etc/resolv.conf

mkdir -p /dev/net /run/sshd /run/lock
[ -e /dev/net/tun ] || mknod -m 666 /dev/net/tun c 10 200

# A killed host leaves these behind when /run is not a tmpfs.
rm -rf /run/docker /run/containerd /run/docker.pid /run/docker.sock /var/run/docker.pid

keep_up() {
  while :; do
    "$@"
    sleep 1
  done
}
keep_up /usr/sbin/sshd -D -e &
keep_up sh -c 'exec dockerd >> /var/log/dockerd.log 2>&1' &
wait
