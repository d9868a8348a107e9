import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fer_core.errors import Cancelled, FerError, MediaError
from fer_core.utils.jobs import ORPHANED, PREFIX, Busy, Job, Jobs, State


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


class Task:
    """Runs until it is let go or cancelled; says when it began."""

    def __init__(self, log: list[str] | None = None, name: str = "", error: Exception | None = None):
        self.log, self.name, self.error = [] if log is None else log, name, error
        self.began, self.go = threading.Event(), threading.Event()

    def run(self, cancelled: Callable[[], bool]) -> None:
        self.log.append(self.name)
        self.began.set()
        while not self.go.is_set():
            if cancelled():
                raise Cancelled("stopped")
            time.sleep(0.002)
        if self.error is not None:
            raise self.error


@pytest.fixture
def queue(tmp_path):
    made = Jobs(root=tmp_path / "jobs", waiting=3)
    yield made
    made.close()


def add(queue: Jobs, task: Task) -> Job:
    folder = queue.folder()
    (folder / "clip").write_bytes(b"x")
    return queue.submit(task, folder)


def test_jobs_run_in_order_one_at_a_time(queue):
    log: list[str] = []
    tasks = [Task(log, name) for name in "abc"]
    jobs = [add(queue, task) for task in tasks]
    tasks[0].began.wait(60)
    assert [job.state for job in jobs] == [State.RUNNING, State.WAITING, State.WAITING]
    assert [queue.position(job) for job in jobs] == [0, 0, 1]
    for task in tasks:
        task.go.set()
    until(lambda: all(job.state is State.DONE for job in jobs))
    assert log == ["a", "b", "c"]
    assert all(job.error is None for job in jobs)


def test_two_workers_run_two_jobs(tmp_path):
    queue: Jobs = Jobs(workers=2, root=tmp_path / "jobs")
    tasks = [Task(), Task(), Task()]
    jobs = [add(queue, task) for task in tasks]
    assert tasks[0].began.wait(60) and tasks[1].began.wait(60)
    assert not tasks[2].began.is_set()
    tasks[1].go.set()
    assert tasks[2].began.wait(60)
    assert jobs[0].state is State.RUNNING
    queue.close()


def test_a_job_waits_a_little_at_each_step_while_something_goes_first(tmp_path):
    asked = threading.Semaphore(0)
    first = threading.Event()
    first.set()

    def busy() -> bool:
        asked.release()
        return first.is_set()

    queue: Jobs = Jobs(root=tmp_path / "jobs", busy=busy)
    task = Task()
    job = add(queue, task)
    for _ in range(60):  # far more often than it may ask within one step: so it goes on meanwhile
        assert asked.acquire(timeout=60)
    assert job.state is State.RUNNING
    job.cancel()
    until(lambda: job.state is State.CANCELLED)
    queue.close()


def test_a_step_waits_no_longer_than_what_goes_first(tmp_path, monkeypatch):
    monkeypatch.setattr("fer_core.utils.threads.MOST_WAIT", 3600.0)
    steps: list[bool] = []
    first = threading.Event()
    first.set()
    begun = threading.Event()

    class Steps:
        def run(self, cancelled: Callable[[], bool]) -> None:
            begun.set()
            steps.append(cancelled())

    queue: Jobs = Jobs(root=tmp_path / "jobs", busy=first.is_set)
    job = queue.submit(Steps(), queue.folder())
    assert begun.wait(60)
    assert steps == [] and job.state is State.RUNNING
    first.clear()
    until(lambda: job.state is State.DONE)
    assert steps == [False]
    queue.close()


def test_a_full_queue_refuses_in_words(queue):
    tasks = [Task() for _ in range(4)]
    jobs = [add(queue, tasks[0])]
    tasks[0].began.wait(60)
    jobs += [add(queue, task) for task in tasks[1:]]
    with pytest.raises(Busy, match=r"3 others are waiting already\. Try again"):
        add(queue, Task())
    # One that waits and is stopped makes room at once, and those behind it move up.
    jobs[1].cancel()
    assert queue.position(jobs[3]) == 1
    add(queue, Task())
    with pytest.raises(Busy):
        add(queue, Task())


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(queue):
    first, second = Task(), Task()
    add(queue, first)
    first.began.wait(60)
    waiting = add(queue, second)
    waiting.cancel()
    assert waiting.state is State.CANCELLED and waiting.state.ended
    first.go.set()
    third = Task()
    add(queue, third)
    assert third.began.wait(60)
    assert not second.began.is_set()
    assert waiting.state is State.CANCELLED and waiting.error is None


def test_a_running_job_is_asked_to_stop(queue):
    task = Task()
    job = add(queue, task)
    task.began.wait(60)
    job.cancel()
    until(lambda: job.state is State.CANCELLED)
    assert job.error is None
    assert (job.folder / "clip").exists()  # what is done so far is kept
    assert queue.get(job.id) is job


def test_what_went_wrong_is_said(queue):
    task = Task(error=MediaError("This is a song. Choose a clip."))
    job = add(queue, task)
    task.go.set()
    until(lambda: job.state.ended)
    assert job.state is State.FAILED and job.error == "This is a song. Choose a clip."


def test_a_defect_is_logged_and_not_shown(queue, caplog):
    task = Task(error=KeyError("secret/path"))
    job = add(queue, task)
    with caplog.at_level(logging.ERROR, "fer_core.utils.jobs"):
        task.go.set()
        until(lambda: job.state.ended)
    assert job.state is State.FAILED
    assert job.error and "secret" not in job.error and "KeyError" not in job.error and "Try again" in job.error
    assert "secret/path" in caplog.text
    after = Task()
    add(queue, after)
    assert after.began.wait(60)  # the worker lives on


def test_ids_cannot_be_guessed(queue):
    ids = {add(queue, Task()).id for _ in range(3)}
    assert len(ids) == 3 and all(len(job_id) >= 16 for job_id in ids)
    assert all(job_id.isalnum() for job_id in ids), "a widget's key with two underscores breaks the page"
    assert queue.get("") is None and queue.get("x") is None


def test_forgetting_deletes_the_files(queue):
    running, waiting, done = Task(), Task(), Task()
    done.go.set()
    jobs = [add(queue, done), add(queue, running), add(queue, waiting)]
    running.began.wait(60)
    for job in (jobs[0], jobs[2]):
        queue.forget(job.id)
        assert not job.folder.exists() and queue.get(job.id) is None
    queue.forget(jobs[1].id)  # its files are in use: they go when it has stopped
    assert queue.get(jobs[1].id) is None
    until(lambda: not jobs[1].folder.exists())
    assert not waiting.began.is_set() and jobs[2].state is State.CANCELLED
    queue.forget("unknown")


def test_ended_jobs_are_swept_unless_somebody_looks(tmp_path):
    queue: Jobs = Jobs(root=tmp_path / "jobs", keep_seconds=2.0)
    left, watched, running = Task(), Task(), Task()
    left.go.set()
    watched.go.set()
    jobs = [add(queue, task) for task in (left, watched, running)]
    running.began.wait(60)

    def gone() -> bool:
        assert queue.get(jobs[1].id) is jobs[1]  # looking keeps it
        return not jobs[0].folder.exists()

    until(gone)
    assert queue.get(jobs[0].id) is None
    assert jobs[1].folder.exists()
    assert jobs[2].state is State.RUNNING and jobs[2].folder.exists()  # a job that runs is never swept
    until(lambda: not jobs[1].folder.exists())
    queue.close()


def test_a_folder_that_no_job_came_for_is_swept(tmp_path):
    queue: Jobs = Jobs(root=tmp_path / "jobs", keep_seconds=0.15)
    task = Task()
    job = add(queue, task)
    abandoned = queue.folder()
    until(lambda: not abandoned.exists())
    assert job.folder.exists()
    queue.close()


def test_a_refused_clip_is_swept_too(tmp_path):
    queue: Jobs = Jobs(root=tmp_path / "jobs", keep_seconds=0.15, waiting=0)
    folder = queue.folder()
    with pytest.raises(Busy):
        queue.submit(Task(), folder)
    until(lambda: not folder.exists())
    queue.close()


def test_closing_stops_everything_and_leaves_nothing(tmp_path):
    others = set(threading.enumerate())
    queue: Jobs = Jobs(root=tmp_path / "jobs", workers=2)
    tasks = [Task() for _ in range(4)]
    jobs = [add(queue, task) for task in tasks]
    tasks[1].began.wait(60)
    own = [t for t in set(threading.enumerate()) - others if t.name.startswith("job-")]
    queue.close()
    assert not (tmp_path / "jobs").exists()
    assert own and not [t for t in own if t.is_alive()]
    assert all(job.state is State.CANCELLED for job in jobs)
    assert not tasks[2].began.is_set()
    queue.close()


def test_the_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, young, other = (tmp_path / name for name in (f"{PREFIX}old", f"{PREFIX}young", "another-program"))
    for path in (old, young, other):
        path.mkdir()
        (path / "clip").write_bytes(b"x")
    ago = time.time() - ORPHANED - 60
    for path in (old, other):
        os.utime(path, (ago, ago))
    (tmp_path / f"{PREFIX}link").symlink_to(other)
    queue: Jobs = Jobs()
    folder = queue.folder()
    assert folder.is_relative_to(tmp_path) and folder.parent.name.startswith(PREFIX)
    assert not old.exists()  # left over by a process that was killed
    assert young.exists()  # may be that of another process
    assert (other / "clip").exists()
    assert folder.parent.stat().st_mode & 0o077 == 0  # other users cannot look into it
    queue.close()
    assert not folder.parent.exists()


def test_a_living_process_keeps_its_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    queue: Jobs = Jobs(keep_seconds=0.05)
    folder = queue.folder()
    root = folder.parent
    until(lambda: not folder.exists())  # from here on only the sign of life changes the time
    ago = time.time() - ORPHANED - 60
    os.utime(root, (ago, ago))
    until(lambda: root.stat().st_mtime > ago + 60)
    queue.close()


def test_a_given_root_is_used(tmp_path):
    root = tmp_path / "deep" / "root"
    queue: Jobs = Jobs(root=root)
    assert queue.folder().parent == root
    assert queue.folder() != queue.folder()
    queue.close()
    assert tmp_path.exists() and not Path(root).exists()


def test_a_job_cancelled_while_its_worker_takes_it_does_not_hang():
    for _ in range(50):
        task = Task()
        job: Job = Job(task, Path("nowhere"))
        thread = threading.Thread(target=job.run)
        thread.start()
        job.cancel()
        thread.join(60)
        assert not thread.is_alive() and job.state is State.CANCELLED


def test_busy_is_an_error_for_people():
    assert issubclass(Busy, FerError)


def test_a_job_that_was_asked_to_stop_says_so_until_it_has():
    class Slow:
        def __init__(self):
            self.asked, self.go = threading.Event(), threading.Event()

        def run(self, cancelled):
            self.asked.set()
            self.go.wait(30)

    work = Slow()
    queue = Jobs()
    try:
        job = queue.submit(work, queue.folder())
        assert work.asked.wait(30) and not job.stopping
        job.cancel()
        assert job.stopping
        work.go.set()
        end = time.monotonic() + 30
        while not job.state.ended and time.monotonic() < end:
            time.sleep(0.01)
        assert not job.stopping
    finally:
        queue.close()
