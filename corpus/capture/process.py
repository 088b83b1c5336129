"""What a recorder hands back: one `Task` for each thread or process that it saw."""

from dataclasses import dataclass, field


@dataclass
class Task:
    """The system calls of one kernel task (a process, or one thread of it), oldest first."""

    tid: int
    calls: list[str] = field(default_factory=list)
    #: The task that cloned this one; None for the task that the recorder started.
    parent: int | None = None
    #: Whether it shares its process with its parent, that is, is not the process' first thread.
    is_thread: bool = False
    #: Base name of the program last executed, taken from the parent until there is an execve.
    program: str = ""
    #: Every program path executed successfully, in order.
    executed: list[str] = field(default_factory=list)


class Tree:
    """Tasks of one recording and who started whom."""

    def __init__(self, tasks: list[Task]):
        self.tasks = tasks
        self._by_tid = {task.tid: task for task in tasks}

    def __iter__(self):
        return iter(self.tasks)

    def root(self) -> Task | None:
        """The task that the recorder started."""
        return next((t for t in self.tasks if t.parent is None), None)

    def get(self, tid: int) -> Task | None:
        return self._by_tid.get(tid)

    def leader(self, task: Task) -> Task:
        """The first thread of the process that `task` belongs to."""
        while task.is_thread and task.parent in self._by_tid:
            task = self._by_tid[task.parent]
        return task

    def below(self, tid: int, *, itself: bool = True) -> list[Task]:
        """`tid` (if `itself`) and all tasks that descend from it."""
        kept = {tid}
        # Parents come before children: tasks are in order of creation.
        for task in self.tasks:
            if task.parent in kept:
                kept.add(task.tid)
        if not itself:
            kept.discard(tid)
        return [t for t in self.tasks if t.tid in kept]
