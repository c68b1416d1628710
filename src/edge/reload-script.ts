/**
 * Run as `sh` in the edge container: has nginx read its configuration, and tells the old workers to end as soon as a new one
 * accepts connections. nginx itself gives new workers 100 ms to start before it tells the old ones, and until then the kernel hands
 * nearly all connections to the old ones, who wait for them longest (epoll(7), EPOLLEXCLUSIVE).
 *
 * The new worker names itself when it is ready (nginx, `ngx_worker_process_cycle`); connections that come while nobody accepts wait in the
 * kernel. An old worker that is told twice ends once, and is not started again: nginx counts those that ended only after it
 * told them itself (`ngx_master_process_cycle`, SIGCHLD is blocked until then).
 *
 * Ends with 3 when it has done nothing, because this kernel does not tell a process's children.
 */
export const reloadScript = `read -r master </proc/1/cmdline 2>/dev/null
case "$master" in "nginx: master"*) ;; *) return 3 ;; esac
read -r old 2>/dev/null </proc/1/task/1/children
[ -n "$old" ] || return 3
kill -HUP 1 || return 3
tries=0
while [ "$tries" -lt 400 ]; do
  read -r all 2>/dev/null </proc/1/task/1/children
  for pid in $all; do
    case " $old " in *" $pid "*) continue ;; esac
    title=
    read -r title 2>/dev/null </proc/$pid/cmdline
    case "$title" in "nginx: worker process"*) break 2 ;; esac
  done
  sleep 0.005 || sleep 1
  tries=$((tries + 1))
done
[ "$tries" -lt 400 ] || return 0
for pid in $old; do
  title=
  read -r title 2>/dev/null </proc/$pid/cmdline
  case "$title" in "nginx: worker process"*) kill -QUIT "$pid" 2>/dev/null ;; esac
done
return 0`;
