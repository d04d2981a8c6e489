"""The platform: a CPU that Ray deals out as a GPU."""
from vllm.platforms.cpu import CpuPlatform

CARD = 64 << 20  # bytes of KV cache where a recipe names none: a share of the "GPU's" memory would be one of the machine's


class CpuAsGpu(CpuPlatform):
    # vLLM asks Ray for this resource, one a worker; `ray start --num-gpus` says how many a node has, and looks for none.
    ray_device_key = "GPU"

    @classmethod
    def check_and_update_config(cls, vllm_config):
        from vllm.config import CompilationMode  # it imports the platform

        super().check_and_update_config(vllm_config)
        cache, parallel = vllm_config.cache_config, vllm_config.parallel_config
        if cache.kv_cache_memory_bytes is None:
            cache.kv_cache_memory_bytes = CARD
        vllm_config.compilation_config.mode = CompilationMode.NONE
        if parallel.worker_cls == "vllm.v1.worker.cpu_worker.CPUWorker":
            parallel.worker_cls = "bedcpu.worker.Worker"
