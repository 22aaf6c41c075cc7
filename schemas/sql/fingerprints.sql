-- The fingerprint in force of every job, for each dataset; source is null but where a job has one for each source.
WITH ranked AS (
  SELECT *, row_number() OVER (PARTITION BY dataset, job ORDER BY finished_at DESC, run_id DESC) AS place
  FROM job_runs
  WHERE status IN ('done', 'skipped')
)
SELECT dataset, job, nullif(source, '') AS source, fingerprint, params, finished_at
FROM (SELECT dataset, job, params, finished_at, explode(fingerprints) AS (source, fingerprint) FROM ranked WHERE place = 1)
