-- Sets of images: LINE's id of the set that an image was sent in, by which an image that comes late finds the others.

ALTER TABLE messages ADD COLUMN image_set TEXT;
ALTER TABLE unanswered ADD COLUMN image_set TEXT;
ALTER TABLE unanswered ADD COLUMN asked_with TEXT;    -- JSON array of the images that were asked with it
