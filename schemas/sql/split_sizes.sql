-- Examples of each split of each published version, and of each label in it: one with several labels counts for each.
SELECT dataset, dataset_version, split, label, count(*) AS examples
FROM (
  SELECT e.dataset, e.dataset_version, e.split, explode_outer(e.labels) AS label
  FROM dataset_examples e
  LEFT SEMI JOIN dataset_versions v ON v.dataset = e.dataset AND v.dataset_version = e.dataset_version
)
GROUP BY dataset, dataset_version, split, label
