-- The label of every current document, for each dataset, but those whose records are in conflict.
SELECT * FROM labels WHERE drop_reason IS NULL
