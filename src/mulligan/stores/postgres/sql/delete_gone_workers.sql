DELETE FROM workers WHERE state = 'gone' AND seen_at < :before
