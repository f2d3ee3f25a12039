-- A person of the staff talks with somebody: the newest pause of the chat, kept after its end, too. It has no words.

ALTER TABLE conversations ADD COLUMN paused_since INTEGER; -- by LINE's clock, where a message began it
ALTER TABLE conversations ADD COLUMN paused_until INTEGER;
ALTER TABLE conversations ADD COLUMN staff_told INTEGER;   -- the message for which the staff were told last
