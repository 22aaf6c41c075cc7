-- Examples of each split of each published version, and of each label in it.
SELECT e.dataset, e.dataset_version, e.split, e.label, count(*) AS examples
FROM dataset_examples e
LEFT SEMI JOIN dataset_versions v ON v.dataset = e.dataset AND v.dataset_version = e.dataset_version
GROUP BY e.dataset, e.dataset_version, e.split, e.label
