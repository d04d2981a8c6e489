"""The worker: a CPU worker that may be one of several nodes."""
import socket

from vllm.distributed.device_communicators.cpu_communicator import _CPUSHMDistributed
from vllm.v1.worker.cpu_worker import CPUWorker

group_name = _CPUSHMDistributed.make_group_name


def group_name_here(communicator):
    """With the host in it: ranks of two hosts are not to take each other for neighbours in shared memory."""
    return f"{socket.gethostname()}-{group_name(communicator)}"


_CPUSHMDistributed.make_group_name = staticmethod(group_name_here)


class Worker(CPUWorker):
    def determine_available_memory(self):
        # As a GPU's worker does, and a CPU's without compilation does not: the second stage of a pipeline has room for
        # what the first one sends only after a run.
        self.model_runner.profile_run()
        return super().determine_available_memory()
