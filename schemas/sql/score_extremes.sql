-- The three documents with the greatest and the three with the least value of every scorer, for each dataset, with the
-- beginning of their text; the distance to the own cluster is a score of diversity.
WITH valued AS (
  SELECT dataset, document_id, view, scorer, value FROM current_scores WHERE value IS NOT NULL
  UNION ALL
  SELECT dataset, document_id, 'diversity', 'distance', distance FROM current_clusters
),
ranked AS (
  SELECT *, row_number() OVER (PARTITION BY dataset, scorer ORDER BY value, document_id) AS from_least,
         row_number() OVER (PARTITION BY dataset, scorer ORDER BY value DESC, document_id) AS from_greatest
  FROM valued
)
SELECT r.dataset, r.view, r.scorer, CASE WHEN r.from_greatest <= 3 THEN 'greatest' ELSE 'least' END AS end, r.value,
       r.document_id, left(d.text, 40) AS text
FROM ranked r
JOIN documents d ON d.document_id = r.document_id
WHERE r.from_least <= 3 OR r.from_greatest <= 3
