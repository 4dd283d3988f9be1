"""Options of fio that change no figure here, and why."""

from collections.abc import Mapping

_PRINTS = "it is about what fio prints"
_ALONE = "each Case is run alone, in rounds of a drawn order"
_OFFSETS = "there are no random offsets"
_READS_ONLY = "nothing is written"

_ALWAYS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("name", "description", "group_reporting", "per_job_logs", "write_bw_log"),
            *("write_lat_log", "write_iops_log", "write_hist_log", "log_avg_msec", "log_entries"),
            *("log_hist_msec", "log_hist_coarseness", "log_max_value", "log_offset", "log_prio"),
            *("log_compression", "log_store_compressed", "log_unix_epoch", "bwavgtime"),
            *("iopsavgtime", "clat_percentiles", "lat_percentiles", "slat_percentiles"),
            *("percentile_list", "significant_figures", "disk_util", "unified_rw_reporting"),
            *("stats", "unit_base", "disable_lat", "disable_clat", "disable_slat"),
            *("disable_bw_measurement", "gtod_reduce", "block_error_percentiles"),
        ),
        _PRINTS,
    ),
    **dict.fromkeys(
        (
            *("stonewall", "wait_for", "new_group", "startdelay", "exitall", "exit_what"),
            *("exitall_on_error", "create_serialize"),
        ),
        _ALONE,
    ),
    **dict.fromkeys(
        ("loops", "runtime", "time_based"), "rounds take its place: --rounds N, --until 2%"
    ),
    "ramp_time": "warm-ups take its place: --warmups N",
    "thread": "readers and writers are threads anyway",
    "kb_base": "sizes were read by it",
    "iomem_align": "memory is aligned as O_DIRECT needs it",
    "nonvectored": "one buffer is one operation",
    "clocksource": "CLOCK_MONOTONIC is what is used",
    "unlink": "what Loadstone makes it removes",
    "allow_file_create": "what Loadstone makes it removes",
    "randrepeat": _OFFSETS,
    "allrandrepeat": _OFFSETS,
    "randseed": _OFFSETS,
    "norandommap": _OFFSETS,
    "random_generator": _OFFSETS,
}

_OF_KIND: Mapping[str, Mapping[str, str]] = {
    "read": dict.fromkeys(
        (
            *("zero_buffers", "refill_buffers", "scramble_buffers", "buffer_pattern"),
            *("buffer_compress_percentage", "buffer_compress_chunk", "dedupe_percentage"),
            *("fsync", "fdatasync", "end_fsync", "fsync_on_close", "fallocate", "overwrite"),
            *("create_fsync", "create_on_open", "sync"),
        ),
        _READS_ONLY,
    ),
    "write": {
        "invalidate": "an overwritten file is not cached, a fresh one cannot be",
        "create_fsync": "the file of a Trial is fresh, or on disk before",
        "create_on_open": "the file of a Trial is made before it is timed",
        "fadvise_hint": "it is about reading ahead",
    },
    "flush": {
        **dict.fromkeys(("randrepeat", "allrandrepeat", "randseed"), "--seed fixes the order"),
        **dict.fromkeys(("norandommap", "random_generator"), "offsets are drawn anew each time"),
        "invalidate": "nothing is read",
        "fadvise_hint": "it is about reading ahead",
        "overwrite": "a device has no new blocks",
        "fallocate": "a device has no new blocks",
    },
}

_AT_DEFAULT: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("nrfiles", "openfiles", "iodepth_batch", "iodepth_batch_complete"), ("1",)),
    **dict.fromkeys(("offset", "offset_increment", "thinktime", "rate", "rate_iops"), ("0",)),
    **dict.fromkeys(("do_verify", "verify", "fill_device", "zonemode"), ("0", "none")),
    **dict.fromkeys(("buffer_compress_percentage", "dedupe_percentage", "lockmem"), ("0",)),
}
_REMEDIES: Mapping[str, str] = {
    **dict.fromkeys(
        ("exec_prerun", "exec_postrun"),
        "delete the line, and have it run before each Trial: --knob NAME=[COMMAND]",
    ),
    "ioscheduler": "delete the line, and set it: --knob scheduler=NAME",
    "cpumask": "write cpus_allowed=0-3",
}

KNOWN = frozenset(
    {
        *_ALWAYS,
        *(name for of_kind in _OF_KIND.values() for name in of_kind),
        *("rw", "bs", "ioengine", "iodepth", "direct", "buffered", "numjobs", "size", "filename"),
        *("directory", "mem", "fixedbufs", "registerfiles", "hipri", "sqthread_poll", "uncached"),
        *("pre_read", "file_append", "number_ios", "cpus_allowed", "thp", "invalidate"),
    }
)
"""The names of options that mean something here."""

OTHERS = frozenset(
    {
        *("allow_mounted_write", "atomic", "ba", "bs_unaligned", "bsrange", "bssplit"),
        *("cgroup", "cgroup_nodelete", "cgroup_weight", "continue_on_error", "cpumask"),
        *("cpus_allowed_policy", "create_only", "dedupe_global", "dedupe_mode"),
        *("dedupe_working_set_percentage", "do_verify", "error_dump", "exec_postrun"),
        *("exec_prerun", "experimental_verify", "file_service_type", "filename_format"),
        *("filesize", "fill_device", "flow", "flow_id", "flow_sleep", "gid", "gtod_cpu"),
        *("hugepage-size", "ignore_error", "ignore_zone_limits", "io_size"),
        *("io_submit_mode", "iodepth_batch", "iodepth_batch_complete_max"),
        *("iodepth_batch_complete_min", "iodepth_low", "ioscheduler"),
        *("job_max_open_zones", "latency_percentile", "latency_run", "latency_target"),
        *("latency_window", "lockfile", "lockmem", "log_alternate_epoch"),
        *("log_alternate_epoch_clock_id", "log_compression_cpus", "max_latency"),
        *("max_open_zones", "merge_blktrace_file", "merge_blktrace_iters"),
        *("merge_blktrace_scalars", "nice", "nrfiles", "numa_cpu_nodes"),
        *("numa_mem_policy", "offset", "offset_align", "offset_increment", "opendir"),
        *("openfiles", "percentage_random", "prio", "prioclass", "profile"),
        *("random_distribution", "rate", "rate_cycle", "rate_ignore_thinktime"),
        *("rate_iops", "rate_iops_min", "rate_min", "rate_process", "read_beyond_wp"),
        *("read_iolog", "read_iolog_chunked", "replay_align", "replay_no_stall"),
        *("replay_redirect", "replay_scale", "replay_skip", "replay_time_scale"),
        *("rw_sequencer", "rwmixread", "rwmixwrite", "serialize_overlap", "steadystate"),
        *("steadystate_duration", "steadystate_ramp_time", "sync_file_range"),
        *("thinktime", "thinktime_blocks", "thinktime_blocks_type", "thinktime_iotime"),
        *("thinktime_spin", "trim_backlog", "trim_backlog_batch", "trim_percentage"),
        *("trim_verify_zero", "uid", "unique_filename", "unlink_each_loop", "verify"),
        *("verify_async", "verify_backlog", "verify_backlog_batch", "verify_dump"),
        *("verify_fatal", "verify_interval", "verify_offset", "verify_only"),
        *("verify_pattern", "verify_state_load", "verify_state_save", "write_barrier"),
        *("write_hint", "write_iolog", "zone_reset_frequency", "zone_reset_threshold"),
        *("zonecapacity", "zonemode", "zonerange", "zonesize", "zoneskip"),
    }
)
"""What else fio 3.33 has, by ``fio --cmdhelp``."""


def ignored_because(name: str, value: str, kind: str) -> str | None:
    """Why an option changes no figure; None where it may.

    Args:
        kind: what the job does: ``read``, ``write`` or ``flush``.
    """
    if value in _AT_DEFAULT.get(name, ()):
        return "that is its default"
    return _OF_KIND[kind].get(name) or _ALWAYS.get(name)


def remedy_of(name: str) -> str:
    """What to do about an option that no workload has."""
    return _REMEDIES.get(name, f"delete the line, or go without: --fio-accept {name}")
