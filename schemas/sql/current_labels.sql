-- The label of every current document, for each dataset.
SELECT * FROM labels WHERE drop_reason IS NULL
