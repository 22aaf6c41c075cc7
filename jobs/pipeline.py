"""The pipeline: the jobs in the order they run. Read this file first."""

from jobs import (
    assign_splits,
    check_gates,
    clean_text,
    collect_documents,
    find_leaks,
    group_duplicates,
    hash_shingles,
    infer_labels,
    ingest_records,
    list_files,
    match_duplicates,
    publish_dataset,
    select_examples,
    write_dataset,
)
from jobs.runtime.job import Job

PIPELINE: tuple[Job, ...] = (
    list_files.JOB,
    ingest_records.JOB,
    clean_text.JOB,
    collect_documents.JOB,
    hash_shingles.JOB,
    match_duplicates.JOB,
    assign_splits.JOB,
    group_duplicates.JOB,
    find_leaks.JOB,
    infer_labels.JOB,
    select_examples.JOB,
    check_gates.JOB,
    write_dataset.JOB,
    publish_dataset.JOB,
)
