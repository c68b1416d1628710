create table note (id serial primary key, text text not null);
