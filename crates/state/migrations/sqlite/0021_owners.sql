-- What lists of alerts are narrowed and sorted by.

-- Who was given an alert that belongs to no incident; where there is one, its commander has it.
ALTER TABLE alert ADD COLUMN owner TEXT;
-- What it is about, as people name services; read from the labels, so that nothing has to write it.
ALTER TABLE alert ADD COLUMN service TEXT GENERATED ALWAYS AS (
  coalesce(json_extract(labels, '$.service'), json_extract(labels, '$.service_name'), json_extract(labels, '$.job'), '')
) VIRTUAL;
-- Who has an incident: its commander, else who acknowledged it.
ALTER TABLE incident ADD COLUMN owner TEXT GENERATED ALWAYS AS (
  coalesce(json_extract(roles, '$.incident_commander'), acknowledged_by)
) VIRTUAL;
