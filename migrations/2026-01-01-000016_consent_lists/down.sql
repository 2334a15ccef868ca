DROP INDEX suppressions_reason;
