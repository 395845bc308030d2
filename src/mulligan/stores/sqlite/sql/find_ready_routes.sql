SELECT DISTINCT route FROM open_steps WHERE state = 'ready'
