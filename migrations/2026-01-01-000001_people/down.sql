DROP TABLE users;
DROP TABLE roles;
DROP TABLE branches;
