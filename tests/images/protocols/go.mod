module protocols

go 1.24
