-- The fingerprint in force of every job, for each dataset; source is null but where a job has one for each source, part
-- but where it has one for each scorer or method.
WITH ranked AS (
  SELECT *, row_number() OVER (PARTITION BY dataset, job ORDER BY finished_at DESC, run_id DESC) AS place
  FROM job_runs
  WHERE status IN ('done', 'skipped', 'idle')
)
SELECT dataset, job, CASE WHEN job = 'clean_text' THEN nullif(name, '') END AS source,
       CASE WHEN job <> 'clean_text' THEN nullif(name, '') END AS part, fingerprint, params, finished_at
FROM (SELECT dataset, job, params, finished_at, explode(fingerprints) AS (name, fingerprint) FROM ranked WHERE place = 1)
