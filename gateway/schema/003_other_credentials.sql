-- Tags and codes that people may present instead of their document.

ALTER TABLE person ADD COLUMN others BLOB NOT NULL DEFAULT x'';  -- keyed hashes, 16 bytes each
