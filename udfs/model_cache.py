"""Models that a Python worker keeps: loaded once, two at most, and the device that a task works on."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from pyspark import TaskContext

from udfs.model_files import Model

MOST_LOADED = 2
Loaded = TypeVar("Loaded")
Key = tuple[str, str, str]

_kept: OrderedDict[Key, object] = OrderedDict()


def loaded(model: Model, device: str, load: Callable[[Model, str], Loaded]) -> Loaded:
    """What `load` makes of the model on the device, made once a worker; the one used longest ago goes for a third.

    The device is part of the key: a worker that is used again may be given another one."""
    key = (model.digest, device, model.dtype)
    if key not in _kept:
        while len(_kept) >= MOST_LOADED:
            _kept.popitem(last=False)
        _kept[key] = load(model, device)
    _kept.move_to_end(key)
    return _kept[key]  # type: ignore[return-value]


def task_device() -> str:
    """cuda:N by the addresses that Spark gave the task, else round robin over the host's GPUs; cpu without any."""
    task = TaskContext.get()
    given = task.resources().get("gpu") if task is not None else None
    if given is not None and given.addresses:
        return f"cuda:{given.addresses[0]}"
    count = _gpus()
    return f"cuda:{(task.partitionId() if task is not None else 0) % count}" if count else "cpu"


def _gpus() -> int:
    """Of a worker without torch: none."""
    try:
        import torch
    except ImportError:
        return 0
    return torch.cuda.device_count() if torch.cuda.is_available() else 0
