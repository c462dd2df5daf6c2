module scriptable

go 1.19
