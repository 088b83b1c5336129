// SPDX-License-Identifier: GPL-2.0 OR MIT
//
// System calls of many tasks, told in batches.
//
// Each captured task carries its own unsent calls (task storage), up to 128 of them, two bytes each. A full
// batch goes to the ring buffer in one piece: what is dear is waking the reader, not running here, so nothing
// is told call by call. Every batch says how many calls its task had made before it: a batch that finds no room
// is dropped, and the reader sees the gap.
//
// The reader looks every few milliseconds and is woken only when the ring fills. Two programs run when it asks:
// `sweep` copies what idle tasks still hold, `mark` puts processes that run already under capture.
//
// The few fields of the kernel's structures that are read are written down here and relocated at load (CO-RE),
// so that the object is built without the headers of any kernel.

#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define CO_RE __attribute__((preserve_access_index))

struct thread_info {
	__u32 status;
} CO_RE;

struct kernfs_node {
	__u64 id;
} CO_RE;

struct cgroup {
	struct kernfs_node *kn;
} CO_RE;

struct css_set {
	struct cgroup *dfl_cgrp;
} CO_RE;

typedef struct {
	__u32 val;
} CO_RE kuid_t;

struct cred {
	kuid_t uid;
} CO_RE;

struct pid_namespace;

struct upid {
	int nr;
	struct pid_namespace *ns;
} CO_RE;

struct pid {
	unsigned int level;
	struct upid numbers[1];
} CO_RE;

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
} CO_RE;

struct linux_binprm {
	const char *filename;
} CO_RE;

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int exit_state;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct mm_struct *mm;
	const struct cred *real_cred;
	struct css_set *cgroups;
	char comm[16];
} CO_RE;

typedef _Bool bool;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} CO_RE;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} CO_RE;

#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000
#define TS_COMPAT 0x0002 // x86: this call is by i386's numbers
#define X32_BIT 0x40000000
#define I386 0x8000
#define NO_CALL 0x7fff

// A scope is one of these; they are `Scope` in src/bpf.rs.
enum { SYSTEM = 0, TREE = 1, GROUP = 2 };

const volatile __u32 scope = SYSTEM;
const volatile __u64 ring_bytes = 16 << 20;
// GROUP: the inode of the group's folder, of the cgroup2 mount's, and how far the one is below the other.
const volatile __u64 group = 0;
const volatile __u64 group_mount = 0;
const volatile __u32 group_depth = 0;

// What `setup` found out about the agent: its process by the first namespace's number, and its own namespace.
static volatile __u32 own_tgid;
static volatile __u32 own_level;
static volatile __u64 own_namespace;
// How far below the root of all groups GROUP's is.
static volatile __u32 group_level;
static __u64 last_id;

#define CALLS 128 // a power of two
#define TEXT 512  // bytes of an executed file's name, and of its arguments; a power of two

// What the ring carries: records; src/bpf/record.rs reads them.
enum { RECORD_CALLS = 1, RECORD_START = 2, RECORD_EXEC = 3, RECORD_EXIT = 4 };

struct batch {
	__u32 kind;
	__u32 n;
	__u64 task;
	__u64 at;    // when the first of the calls was entered
	__u64 first; // how many calls the task had made before it
	__u16 calls[CALLS];
};

struct start {
	__u32 kind;
	__u32 born;
	__u64 task;
	__u64 at;
	__u64 parent;
	__u64 cgroup;
	__u32 pid;
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	char comm[16];
};

struct exec {
	__u32 kind;
	__u32 uid;
	__u64 task;
	__u64 at;
	__u64 cgroup;
	char comm[16];
	__u32 file;  // bytes of the file's name, its NUL included
	__u32 args;  // bytes of the arguments
	char text[2 * TEXT];
};

struct exit {
	__u32 kind;
	__u32 unused;
	__u64 task;
	__u64 at;
	__u64 calls;
};

// What a task carries. `batch` goes to the ring as it stands, cut to its n calls.
struct state {
	struct batch batch;
	__u64 told;    // the calls before this one have been told or counted as lost
	__u64 met;     // when
	__u64 parent;  // whose child it is; 0 if nobody knows
	__u32 born;    // whether its birth was seen
	__u32 started; // whether its start was told
	__u32 exited;
	__u32 held;    // a launched command that has not executed yet: what it calls is the launcher's doing
};

// `Counters` in src/bpf/record.rs. Each processor has its own, yet they are added to atomically: `sweep` can be
// interrupted by the others.
struct counters {
	__u64 seen;      // calls told or lost
	__u64 ring_full; // calls lost for want of room in the ring
	__u64 events;    // starts, executions and exits lost
	__u64 no_memory; // calls of tasks for which there was no storage
	__u64 met;       // tasks put under capture
	__u64 gone;      // those of them that have exited
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct state);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} counts SEC(".maps");

// TREE: the processes that `mark` puts under capture with their descendants, and whether they are launched for it:
// those count as born, and their calls from the program's execution on.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u32);
} roots SEC(".maps");

// Where `on_exec` writes; a program does not interrupt itself on one processor.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec);
} scratch SEC(".maps");

#define fence() asm volatile("" ::: "memory")

#define count(field, by)                                                          \
	do {                                                                      \
		__u32 zero_ = 0;                                                  \
		struct counters *c_ = bpf_map_lookup_elem(&counts, &zero_);       \
		if (c_)                                                           \
			__sync_fetch_and_add(&c_->field, by);                     \
	} while (0)

// The reader sleeps until a quarter of the ring is full, or until its own clock wakes it.
static __always_inline __u64 wake(__u64 waiting)
{
	return waiting >= ring_bytes / 4 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

static __always_inline __u64 wake_now(void)
{
	return wake(bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA));
}

// A sixteenth of the ring is left to starts, executions and exits: with them lost, what the calls say of whom
// would be lost, too.
static __always_inline bool room_for_calls(__u64 waiting)
{
	return waiting < ring_bytes - ring_bytes / 16;
}

// The task's number in the agent's namespace; 0 if it has none there.
static __always_inline __u32 number_of(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = own_level;

	if (!pid || BPF_CORE_READ(pid, level) < level)
		return 0;
	struct upid *number = (void *)pid + bpf_core_field_offset(pid->numbers) + level * bpf_core_type_size(struct upid);
	if ((__u64)BPF_CORE_READ(number, ns) != own_namespace)
		return 0;
	return BPF_CORE_READ(number, nr);
}

static __always_inline __u64 cgroup_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

// Tells of a task once; tried again before its calls are told, if there was no room.
static __noinline int tell_start(struct task_struct *task, struct state *s)
{
	struct start *r;

	if (!s)
		return 0;
	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r)
		return 0;
	r->kind = RECORD_START;
	r->born = s->born;
	r->task = s->batch.task;
	r->at = s->met;
	r->parent = s->parent;
	r->cgroup = cgroup_of(task);
	r->pid = number_of(BPF_CORE_READ(task, group_leader));
	r->tid = number_of(task);
	r->ppid = number_of(BPF_CORE_READ(task, real_parent, group_leader));
	r->uid = BPF_CORE_READ(task, real_cred, uid.val);
	bpf_core_read(&r->comm, sizeof(r->comm), &task->comm);
	bpf_ringbuf_submit(r, wake_now());
	s->started = 1;
	return 0;
}

// Tells a batch and begins another. `sweep` may read at any moment: it must never see the new index with the
// old number of calls, so the number falls first.
static __noinline int flush(struct task_struct *task, struct state *s)
{
	__u64 waiting, end, fresh;
	__u32 n;
	bool lost;

	if (!s)
		return 0;
	n = s->batch.n;
	if (n == 0 || n > CALLS)
		return 0;
	if (!s->started)
		tell_start(task, s);
	waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	lost = !room_for_calls(waiting) ||
	       bpf_ringbuf_output(&ring, &s->batch, sizeof(s->batch) - sizeof(s->batch.calls) + n * sizeof(__u16), wake(waiting));
	end = s->batch.first + n;
	// What a sweep has told before is neither seen nor lost twice.
	fresh = end - __sync_lock_test_and_set(&s->told, end);
	*(volatile __u32 *)&s->batch.n = 0;
	*(volatile __u64 *)&s->batch.first = end;
	count(seen, fresh);
	if (lost)
		count(ring_full, fresh);
	return 0;
}

// Puts a task under capture. The fork and `mark` may come at the same time: the first to number it wins.
static __always_inline struct state *remember(struct task_struct *task, __u64 parent, __u32 born)
{
	struct state *s = bpf_task_storage_get(&tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	__u64 id;

	if (!s)
		return 0;
	id = __sync_fetch_and_add(&last_id, 1) + 1;
	if (__sync_val_compare_and_swap(&s->batch.task, 0, id) != 0)
		return s;
	s->batch.kind = RECORD_CALLS;
	s->met = bpf_ktime_get_ns();
	s->parent = parent;
	s->born = born;
	count(met, 1);
	tell_start(task, s);
	return s;
}

static __always_inline __u64 id_of_parent(struct task_struct *task)
{
	struct task_struct *parent = task->real_parent;
	struct state *p = parent ? bpf_task_storage_get(&tasks, parent, 0, 0) : 0;

	return p ? p->batch.task : 0;
}

static __always_inline bool current_in_scope(void)
{
	return scope == SYSTEM || (scope == GROUP && bpf_get_current_ancestor_cgroup_id(group_level) == group);
}

static __always_inline void leave(struct task_struct *task, struct state *s)
{
	struct exit *r;

	flush(task, s);
	// A task that nobody was told of, and that made no calls.
	if (!s->started)
		tell_start(task, s);
	if (!s->started)
		count(events, 1);
	s->exited = 1;
	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (r) {
		r->kind = RECORD_EXIT;
		r->unused = 0;
		r->task = s->batch.task;
		r->at = bpf_ktime_get_ns();
		r->calls = s->batch.first;
		bpf_ringbuf_submit(r, wake_now());
	} else {
		count(events, 1);
	}
	// Last: the reader takes it for the end of what there is to read.
	count(gone, 1);
}

// The current task calls and carries no state: a task that ran before the capture, or one out of scope.
static __noinline struct state *meet(struct task_struct *task)
{
	struct state *s;

	if (task->tgid == own_tgid || !current_in_scope())
		return 0;
	s = remember(task, id_of_parent(task), 0);
	if (!s) {
		count(seen, 1);
		count(no_memory, 1);
	}
	return s;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_call, void *regs, long id)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct state *s = bpf_task_storage_get(&tasks, task, 0, 0);
	__u32 call, n;

	if (!s) {
		// All that a bystander pays in a tree's capture.
		if (scope == TREE)
			return 0;
		s = meet(task);
		if (!s)
			return 0;
	}
	call = (__u32)id & ~X32_BIT;
	if (call > NO_CALL)
		call = NO_CALL;
	if (bpf_core_field_exists(task->thread_info.status) && task->thread_info.status & TS_COMPAT)
		call |= I386;
	n = s->batch.n;
	if (n == 0)
		s->batch.at = bpf_ktime_get_ns();
	s->batch.calls[n & (CALLS - 1)] = call;
	if (n == 0 && s->held)
		return 0;
	// `sweep` reads the number first: the call is there before it is counted. Plain stores keep their order
	// on x86; elsewhere it may take the last call of a batch for the one at its place in the batch before.
	fence();
	s->batch.n = ++n;
	if (n >= CALLS)
		flush(task, s);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct state *p;

	if (child->tgid == own_tgid || child->flags & PF_KTHREAD)
		return 0;
	p = bpf_task_storage_get(&tasks, parent, 0, 0);
	if (!p && !current_in_scope())
		return 0;
	if (!remember(child, p ? p->batch.task : 0, 1))
		count(events, 1);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct state *s = bpf_task_storage_get(&tasks, task, 0, 0);
	unsigned long from, to;
	__u32 zero = 0, n;
	struct exec *r;
	__u64 size;
	long file;

	if (!s)
		return 0;
	if (s->held) {
		// Of all that it called while it waited and looked for the program, this execution is the first
		// that counts.
		n = s->batch.n;
		s->batch.calls[0] = s->batch.calls[n ? (n - 1) & (CALLS - 1) : 0];
		s->batch.n = 1;
		s->held = 0;
	}
	// What it called before comes before.
	flush(task, s);
	r = bpf_map_lookup_elem(&scratch, &zero);
	if (!r)
		return 0;
	r->kind = RECORD_EXEC;
	r->uid = BPF_CORE_READ(task, real_cred, uid.val);
	r->task = s->batch.task;
	r->at = bpf_ktime_get_ns();
	r->cgroup = cgroup_of(task);
	bpf_core_read(&r->comm, sizeof(r->comm), &task->comm);
	file = bpf_probe_read_kernel_str(r->text, TEXT, BPF_CORE_READ(bprm, filename));
	if (file < 0 || file > TEXT)
		file = 0;
	r->file = file;
	from = BPF_CORE_READ(task, mm, arg_start);
	to = BPF_CORE_READ(task, mm, arg_end);
	size = to > from ? to - from : 0;
	if (size > TEXT)
		size = TEXT;
	if (bpf_probe_read_user(r->text + file, size, (void *)from))
		size = 0;
	r->args = size;
	size += file;
	if (size > sizeof(r->text))
		return 0;
	if (bpf_ringbuf_output(&ring, r, sizeof(*r) - sizeof(r->text) + size, wake_now()))
		count(events, 1);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct state *s = bpf_task_storage_get(&tasks, task, 0, 0);

	if (s && !s->exited)
		leave(task, s);
	return 0;
}

// Run once by the agent: who it is. Answers with one byte if it found GROUP's place among the agent's groups.
SEC("iter/task")
int setup(struct bpf_iter__task *ctx)
{
	struct task_struct *self = bpf_get_current_task_btf();
	struct pid *pid = BPF_CORE_READ(self, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid *number = (void *)pid + bpf_core_field_offset(pid->numbers) + level * bpf_core_type_size(struct upid);
	char found = 1;

	if (own_tgid)
		return 0;
	own_tgid = self->tgid;
	own_level = level;
	own_namespace = (__u64)BPF_CORE_READ(number, ns);
	if (scope == GROUP) {
		found = 0;
		for (int above = 0; above < 64; above++) {
			if (bpf_get_current_ancestor_cgroup_id(above) == group_mount) {
				group_level = above + group_depth;
				found = 1;
				break;
			}
		}
	}
	if (found)
		bpf_seq_write(ctx->meta->seq, &found, 1);
	return 0;
}

// Puts the roots' threads, and the children of tasks under capture, under capture; one byte for each that is
// new. To be repeated until there is none.
SEC("iter/task")
int mark(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u32 pid, *root;
	struct state *s;
	__u64 parent;
	char new = 1;

	if (!task || task->flags & (PF_KTHREAD | PF_EXITING) || task->tgid == own_tgid)
		return 0;
	if (bpf_task_storage_get(&tasks, task, 0, 0))
		return 0;
	pid = number_of(BPF_CORE_READ(task, group_leader));
	root = pid ? bpf_map_lookup_elem(&roots, &pid) : 0;
	parent = id_of_parent(task);
	if (!root && !parent)
		return 0;
	s = remember(task, parent, root && *root);
	if (!s)
		return 0;
	if (root && *root)
		s->held = 1;
	bpf_seq_write(ctx->meta->seq, &new, 1);
	return 0;
}

// Tells what tasks have called since their last full batch, and leaves it with them: they may be running. Their
// next batch repeats it, and its index says so.
SEC("iter/task")
int sweep(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u64 first, told, waiting;
	struct batch *r;
	struct state *s;
	__u32 n;

	if (!task)
		return 0;
	s = bpf_task_storage_get(&tasks, task, 0, 0);
	if (!s || s->exited)
		return 0;
	if (task->exit_state) {
		// Marked while it was exiting, past the point where exits are told.
		leave(task, s);
		return 0;
	}
	first = *(volatile __u64 *)&s->batch.first;
	fence();
	n = *(volatile __u32 *)&s->batch.n;
	told = *(volatile __u64 *)&s->told;
	if (n == 0 || n > CALLS || first + n <= told)
		return 0;
	if (!s->started)
		tell_start(task, s);
	waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	if (!room_for_calls(waiting))
		return 0;
	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r)
		return 0;
	fence();
	__builtin_memcpy(r, &s->batch, sizeof(*r));
	fence();
	r->first = first;
	r->n = n;
	// If the task has flushed meanwhile, its own record says all that this one would.
	if (*(volatile __u64 *)&s->batch.first != first ||
	    __sync_val_compare_and_swap(&s->told, told, first + n) != told) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return 0;
	}
	bpf_ringbuf_submit(r, wake(waiting));
	count(seen, first + n - told);
	return 0;
}
