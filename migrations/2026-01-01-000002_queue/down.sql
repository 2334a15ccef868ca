DROP TABLE schedules;
DROP TABLE relay_state;
DROP TABLE workers;
DROP TABLE queue_minutes;
DROP TABLE queues;
DROP TABLE jobs;
