// SPDX-License-Identifier: Apache-2.0

import type { SeccompProfile, SeccompRule } from "./seccomp.ts";

/**
 * The default profile of Docker as data: which system calls a container may make
 * (https://docs.docker.com/engine/security/seccomp, github.com/moby/profiles, state of 2026).
 *
 * All others fail with EPERM. `AF_ALG` and `AF_VSOCK` reach the host past all namespaces, so that
 * no socket of them can be made.
 */

const files = `
  access cachestat chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3
  faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat
  fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fremovexattr
  fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd
  getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init inotify_init1
  inotify_rm_watch ioctl lchown lchown32 lgetxattr link linkat listmount listxattr listxattrat
  llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat
  name_to_handle_at newfstatat open openat openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2
  read readahead readlink readlinkat readv removexattr removexattrat rename renameat renameat2 rmdir
  setxattr setxattrat stat stat64 statfs statfs64 statmount statx symlink symlinkat sync
  sync_file_range syncfs truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64
  utimes write writev`;

const waiting = `
  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
  epoll_wait_old eventfd eventfd2 io_cancel io_destroy io_getevents io_pgetevents
  io_pgetevents_time64 io_setup io_submit _newselect pipe pipe2 poll ppoll ppoll_time64 pselect6
  pselect6_time64 select sendfile sendfile64 splice tee vmsplice`;

const memory = `
  brk madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall
  mmap mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free
  pkey_mprotect process_mrelease remap_file_pages`;

const processes = `
  capget capset execve execveat exit exit_group fork getcpu getegid getegid32 geteuid geteuid32
  getgid getgid32 getgroups getgroups32 getpgid getpgrp getpid getppid getpriority getrandom
  getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid gettid getuid getuid32
  ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self
  pause pidfd_open pidfd_send_signal prctl prlimit64 rseq sched_getaffinity sched_getattr
  sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler
  sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr
  sched_setparam sched_setscheduler sched_yield seccomp setfsgid setfsgid32 setfsuid setfsuid32
  setgid setgid32 setgroups setgroups32 setpgid setpriority setregid setregid32 setresgid
  setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setuid setuid32 sysinfo
  times ugetrlimit uname vfork wait4 waitid waitpid`;

const threadsAndSignals = `
  futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list
  get_thread_area restart_syscall riscv_hwprobe rt_sigaction rt_sigpending rt_sigprocmask
  rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
  rt_tgsigqueueinfo set_robust_list set_thread_area set_tid_address sigaltstack signalfd signalfd4
  sigprocmask sigreturn tgkill tkill uretprobe`;

const time = `
  adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
  clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer
  time timer_create timer_delete timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
  timerfd_settime64 timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64`;

const sockets = `
  accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg
  recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair`;

const interProcess = `
  ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
  mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop
  semtimedop_time64 shmat shmctl shmdt shmget`;

function allow(names: string, conditions: Omit<SeccompRule, "names" | "action"> = {}): SeccompRule {
  return { names: names.trim().split(/\s+/), action: "SCMP_ACT_ALLOW", ...conditions };
}

// Address families of <sys/socket.h>.
const algorithmFamily = 38;
const hypervisorFamily = 40;

function socketsBut(): readonly SeccompRule[] {
  const where = (value: number, op: string) => allow("socket", { args: [{ index: 0, value, op }] });
  return [
    where(algorithmFamily, "SCMP_CMP_LT"),
    where(algorithmFamily + 1, "SCMP_CMP_EQ"),
    where(hypervisorFamily, "SCMP_CMP_GT"),
  ];
}

// Personalities of <linux/personality.h>: Linux, its 32-bit form, both with uname 2.6, and asking.
const personalities: readonly SeccompRule[] = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff].map(
  (value) => allow("personality", { args: [{ index: 0, value, op: "SCMP_CMP_EQ" }] }),
);

const administration = `
  bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
  lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open
  quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare`;

const withCapability: readonly SeccompRule[] = (
  [
    ["CAP_DAC_READ_SEARCH", "open_by_handle_at"],
    ["CAP_SYS_ADMIN", administration],
    ["CAP_SYS_BOOT", "reboot"],
    ["CAP_SYS_CHROOT", "chroot"],
    ["CAP_SYS_MODULE", "delete_module init_module finit_module"],
    ["CAP_SYS_PACCT", "acct"],
    [
      "CAP_SYS_PTRACE",
      "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
    ],
    ["CAP_SYS_RAWIO", "iopl ioperm"],
    ["CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64"],
    ["CAP_SYS_TTY_CONFIG", "vhangup"],
    ["CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"],
    ["CAP_SYSLOG", "syslog"],
    ["CAP_BPF", "bpf"],
    ["CAP_PERFMON", "perf_event_open"],
  ] as const
).map(([capability, names]) => allow(names, { includes: { caps: [capability] } }));

// CLONE_NEW* of <linux/sched.h> for mount, cgroup, UTS, IPC, user, PID and network namespaces.
const newNamespaces = 0x7e020000;
const noSysAdmin = { caps: ["CAP_SYS_ADMIN"] };
// ENOSYS of <errno.h>: programs fall back to clone, whose flags can be looked at.
const notImplemented = 38;

const cloning: readonly SeccompRule[] = [
  allow("clone", {
    args: [{ index: 0, value: newNamespaces, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
    excludes: { ...noSysAdmin, arches: ["s390", "s390x"] },
  }),
  // The order of clone's parameters is another one there.
  allow("clone", {
    args: [{ index: 1, value: newNamespaces, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
    includes: { arches: ["s390", "s390x"] },
    excludes: noSysAdmin,
  }),
  {
    names: ["clone3"],
    action: "SCMP_ACT_ERRNO",
    errnoRet: notImplemented,
    excludes: noSysAdmin,
  },
];

const ofArchitecture: readonly SeccompRule[] = (
  [
    [["ppc64le"], "sync_file_range2 swapcontext"],
    [
      ["arm", "arm64"],
      "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
    ],
    [["amd64", "x32"], "arch_prctl"],
    [["amd64", "x32", "x86"], "modify_ldt"],
    [["s390", "s390x"], "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr"],
    [["riscv64"], "riscv_flush_icache"],
  ] as const
).map(([arches, names]) => allow(names, { includes: { arches } }));

export const defaultSeccompProfile: SeccompProfile = {
  defaultAction: "SCMP_ACT_ERRNO",
  // EPERM of <errno.h>.
  defaultErrnoRet: 1,
  archMap: [
    { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
    { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
    { architecture: "SCMP_ARCH_S390X", subArchitectures: ["SCMP_ARCH_S390"] },
    { architecture: "SCMP_ARCH_RISCV64", subArchitectures: [] },
    { architecture: "SCMP_ARCH_LOONGARCH64", subArchitectures: [] },
    {
      architecture: "SCMP_ARCH_MIPSEL64",
      subArchitectures: ["SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64N32"],
    },
  ],
  syscalls: [
    allow(
      [files, waiting, memory, processes, threadsAndSignals, time, sockets, interProcess].join(" "),
    ),
    // Before 4.8 they went past the filter.
    allow("process_vm_readv process_vm_writev ptrace", { includes: { minKernel: "4.8" } }),
    ...socketsBut(),
    ...personalities,
    ...ofArchitecture,
    ...withCapability,
    ...cloning,
  ],
};
