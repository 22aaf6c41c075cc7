-- The scores in force of every current document, for each dataset: one value of one scorer, errors left out.
SELECT f.dataset, s.document_id, s.scorer, s.view, s.value, s.is_truncated
FROM scores s
JOIN fingerprints f ON f.job = 'score_text' AND f.part = s.scorer AND f.fingerprint = s.fingerprint
LEFT SEMI JOIN current_records r ON r.dataset = f.dataset AND r.document_id = s.document_id
WHERE s.error IS NULL
