-- The newest revision of every record under the cleaning in force, for each dataset: kept or dropped.
SELECT * EXCEPT (place)
FROM (
  SELECT f.dataset, c.*, row_number() OVER (PARTITION BY f.dataset, c.record_id ORDER BY c.revision DESC) AS place
  FROM clean_records c
  JOIN fingerprints f ON f.job = 'clean_text' AND f.source = c.source AND f.fingerprint = c.fingerprint
)
WHERE place = 1
