-- The cluster of every current document by the newest fit, for each dataset, with its title.
WITH fitted AS (
  SELECT c.dataset, c.fingerprint, c.fit, c.cluster_id, c.title,
         max(c.fit) OVER (PARTITION BY c.dataset, c.fingerprint) AS newest
  FROM centroids c
  JOIN fingerprints f ON f.dataset = c.dataset AND f.job = 'fit_clusters' AND f.fingerprint = c.fingerprint
)
SELECT m.dataset, m.document_id, m.cluster_id, t.title, m.distance, m.margin
FROM clusters m
JOIN fingerprints f ON f.dataset = m.dataset AND f.job = 'assign_clusters' AND f.fingerprint = m.fingerprint
JOIN fitted t ON t.dataset = m.dataset AND t.fit = m.fit AND t.cluster_id = m.cluster_id AND t.fit = t.newest
LEFT SEMI JOIN current_records r ON r.dataset = m.dataset AND r.document_id = m.document_id
