"""Lets vLLM's CPU build stand in for GPUs on the testbed: a vllm.platform_plugins entry point.

VLLM_PLUGINS=none leaves it out: then vLLM is as it was published.
"""
import os

# What a CPU needs and recipes for GPUs do not say: no thread bound to cores that the whole machine shares, nothing compiled.
NEEDS = {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "TORCH_COMPILE_DISABLE": "1"}


def register():
    """Is called in every process of vLLM and names the platform."""
    for name, value in NEEDS.items():
        os.environ.setdefault(name, value)
    return "bedcpu.platform.CpuAsGpu"
